-- What Oblivion and Langfuse need of a PostgreSQL (16 or newer), run once by its superuser; nothing more is granted.
-- Passwords come from the environment, never from a file.
\set ON_ERROR_STOP on
\getenv oblivion_password OBLIVION_DB_PASSWORD
\getenv langfuse_password LANGFUSE_DB_PASSWORD

CREATE ROLE oblivion LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'oblivion_password';
CREATE ROLE langfuse LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'langfuse_password';

-- Nexus takes on one of these for each transaction (docs/decisions/0003). `oblivion db upgrade` would create them, for which
-- it would need CREATEROLE; where they exist, it needs only to hand them to itself, and that is all it can do with them.
CREATE ROLE oblivion_app NOLOGIN NOBYPASSRLS;
CREATE ROLE oblivion_system NOLOGIN NOBYPASSRLS;
GRANT oblivion_app, oblivion_system TO oblivion WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;

CREATE DATABASE oblivion_db OWNER oblivion;
CREATE DATABASE langfuse OWNER langfuse;
REVOKE ALL ON DATABASE oblivion_db, langfuse FROM PUBLIC;
