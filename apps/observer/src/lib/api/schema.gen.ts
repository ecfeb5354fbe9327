// Generated from openapi.json by scripts/gen-api.mjs: do not edit.

export interface paths {
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Jwks
         * @description The keys that verify access tokens, RFC 7517 §5.
         */
        get: operations["get_jwks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-authorization-server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Authorization Server
         * @description What this authorization server can do, RFC 8414.
         */
        get: operations["get_authorization_server"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/introspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Introspect Token
         * @description Whether a token is good, RFC 7662: for its own client, and for clients that may read all of its tenant.
         */
        post: operations["introspect_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke Token
         * @description Ends a token, RFC 7009: a client's own, or with `admin:write` any of its tenant. Sockets close within 5 s.
         */
        post: operations["revoke_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Issue Token
         * @description Exchanges a client's id and secret for an access token: its own, or one of a person for whom it acts.
         */
        post: operations["issue_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Liveness
         * @description 503 when a restart of this process is the cure: a loop stands still, or it is deaf to Redis.
         *
         *     Never because of a dependency that is away, which a restart would not bring back.
         */
        get: operations["get_liveness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Metrics
         * @description Figures for Prometheus. Those of the database are absent while it is away.
         */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Readiness
         * @description Each dependency and its state; 503 when this process should have no traffic.
         */
        get: operations["get_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Agents
         * @description The roster: every agent with its presence, oldest first.
         */
        get: operations["list_agents"];
        put?: never;
        /**
         * Create Agent
         * @description Registers an agent and makes its client.
         */
        post: operations["create_agent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke Agent
         * @description Ends an agent: its secrets and its tokens stop working at once. Its history stays, and its name with it.
         */
        delete: operations["revoke_agent"];
        options?: never;
        head?: never;
        /**
         * Change Agent
         * @description Sets how much an agent may say before it is muted.
         */
        patch: operations["change_agent"];
        trace?: never;
    };
    "/v1/agents/{name}/mute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mute Agent
         * @description Has an agent offered nothing from now on, holds what it says, and tells it so; its tasks it may finish.
         */
        post: operations["mute_agent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{name}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate Agent Secret
         * @description Makes a new secret; the previous one keeps working for `overlap_seconds`.
         */
        post: operations["rotate_agent_secret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{name}/unmute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unmute Agent
         * @description Takes it back; what the agent has said meanwhile is posted.
         */
        post: operations["unmute_agent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/aliases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Aliases
         * @description Every handle, in alphabetical order.
         */
        get: operations["list_aliases"];
        put?: never;
        /**
         * Add Alias
         * @description Puts an agent behind a handle; several agents behind one handle are a squad.
         */
        post: operations["add_alias"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/aliases/{alias}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove Alias
         * @description Takes one agent away from a handle; without `agent`, all of them.
         */
        delete: operations["remove_alias"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Audit
         * @description Newest first.
         */
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Connections
         * @description Every connection with what was found when it was looked at last, oldest first.
         */
        get: operations["list_connections"];
        put?: never;
        /**
         * Create Connection
         * @description Tries the credentials at the vendor, keeps them sealed and subscribes to its webhooks.
         */
        post: operations["create_connection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{connection_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Connection
         * @description Removes a connection, its credentials and our webhook at the vendor. Refused with `in_use` while lists are
         *     linked over it; with `force` they are unlinked, and everything that was mirrored over it is forgotten.
         */
        delete: operations["delete_connection"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{connection_id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check Connection
         * @description Looks at the vendor, now: whether the credentials work, and whether its events reach us.
         */
        post: operations["check_connection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Deliveries
         * @description Newest first; `state=dead` lists what needs a person.
         */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/groups": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Delivery Groups
         * @description Deliveries by what they have in common: one line for each cause, the biggest first, at most 200.
         */
        get: operations["list_delivery_groups"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay Deliveries
         * @description Has dead rows tried again: those named, or the oldest of all. Tells how many remain dead.
         */
        post: operations["replay_deliveries"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{delivery_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Delivery
         * @description One delivery with what it carries, secrets masked, and what became of each try.
         */
        get: operations["get_delivery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/deliveries/{delivery_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay Delivery
         * @description Has a dead row tried again at once, as if for the first time.
         */
        post: operations["replay_delivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/explain/{wanted}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Explain Anything
         * @description Why was this routed there, why does it wait, why was it not mirrored.
         */
        get: operations["explain_anything"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/integrations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Integrations
         * @description Every integration, as it describes itself: what to do at the vendor and what to enter here.
         */
        get: operations["list_integrations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Keys
         * @description Every client, oldest first; also those that are revoked.
         */
        get: operations["list_keys"];
        put?: never;
        /**
         * Create Key
         * @description Makes a client for a program that administers Oblivion.
         */
        post: operations["create_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{client_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke Key
         * @description Ends a client: its secrets and its tokens stop working at once.
         */
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/keys/{client_id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate Key
         * @description Makes a new secret; the previous one keeps working for `overlap_seconds`.
         */
        post: operations["rotate_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/mappings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Mappings
         * @description Every link, oldest first.
         */
        get: operations["list_mappings"];
        put?: never;
        /**
         * Create Mapping
         * @description Links a list to a channel; conversations that waited for it are posted.
         */
        post: operations["create_mapping"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/mappings/{mapping_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete Mapping
         * @description Unlinks; what has been posted stays.
         */
        delete: operations["delete_mapping"];
        options?: never;
        head?: never;
        /**
         * Change Mapping
         * @description Links the list to another channel, or changes its rule. New conversations only: what is posted stays.
         */
        patch: operations["change_mapping"];
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Me
         * @description Who the token says that you are.
         */
        get: operations["get_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Members
         * @description Every member, in the order in which they were added.
         */
        get: operations["list_members"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/members/{email}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Put Member
         * @description Adds a person, or gives a member another role. 409 `last_admin` when nobody else could undo it.
         */
        put: operations["put_member"];
        post?: never;
        /**
         * Remove Member
         * @description Ends what a person may do, within a minute. 409 `last_admin` when nobody else could undo it.
         */
        delete: operations["remove_member"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Overview
         * @description Everything that tells whether all is well, and what is not.
         */
        get: operations["get_overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search History
         * @description Passages that fit best by meaning and by word, best first; there is no second page.
         */
        get: operations["search_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Tasks
         * @description Newest conversation first, each with its latest task; also those that nobody was asked about yet.
         */
        get: operations["list_tasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Task
         * @description A task by its id, or the latest task of a conversation by the conversation's.
         */
        get: operations["get_task"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel Task
         * @description Stops a task: from now on nothing that its agent does has an effect.
         */
        post: operations["cancel_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/conversation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Task Conversation
         * @description Everything that was said, oldest first, by people, agents and Oblivion, and in which tools it can be seen.
         */
        get: operations["get_task_conversation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/reassign": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Reassign Task
         * @description Takes a task from whoever has it and offers it anew: to one agent, or to whoever is free.
         *
         *     What the previous agent still sends has no effect. Refused with `over` when the task is over, with `not_capable`
         *     when the agent cannot do it or does not stand behind the alias.
         */
        post: operations["reassign_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tasks/{task_id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get Task Timeline
         * @description Everything that happened, oldest first: webhooks that came in, commands of agents, effects that went out.
         */
        get: operations["get_task_timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tenants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Tenants
         * @description The tenant of the token: row-level security shows no other.
         */
        get: operations["list_tenants"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/{vendor}/channels": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Vendor Channels
         * @description The channels of a chat, from a cache.
         */
        get: operations["list_vendor_channels"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/{vendor}/lists": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List Vendor Lists
         * @description The lists of a tracker, from a cache.
         */
        get: operations["list_vendor_lists"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * AgentChange
         * @description What may be changed of an agent.
         */
        AgentChange: {
            /**
             * Messages Per Minute
             * @description With one message more it is muted; null for the usual.
             */
            messages_per_minute: number | null;
        };
        /**
         * AgentResource
         * @description A row of the roster: the agents table joined with presence.
         */
        AgentResource: {
            /** Aliases */
            aliases: string[];
            /** Capacity */
            capacity: number;
            /** Client Id */
            client_id: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Current Tasks
             * @description Those that it holds, oldest first, at most 20.
             */
            current_tasks: components["schemas"]["CurrentTask"][];
            /**
             * Held
             * @description Messages that wait until it may speak again.
             */
            held: number;
            /** Icon */
            icon: string | null;
            /** Id */
            id: string;
            /** Last Seen At */
            last_seen_at: string | null;
            /** Load */
            load: number;
            /**
             * Messages Per Minute
             * @description How much it may say; with one message more it is muted.
             */
            messages_per_minute: number;
            /** Muted */
            muted: boolean;
            /** Muted At */
            muted_at: string | null;
            /** Muted Reason */
            muted_reason: string | null;
            /** Name */
            name: string;
            /** Online */
            online: boolean;
            /** Revoked At */
            revoked_at: string | null;
            /** Sessions */
            sessions: components["schemas"]["AgentSession"][];
            /** Skills */
            skills: string[];
        };
        /**
         * AgentSession
         * @description One connected process of an agent.
         */
        AgentSession: {
            /** Capacity */
            capacity: number;
            /**
             * Connected At
             * Format: date-time
             */
            connected_at: string;
            /**
             * Gateway
             * @description Which process of Nexus it is connected to; `mcp` when it asks from time to time.
             */
            gateway: string;
            /** Instance */
            instance: string;
            /**
             * Last Seen At
             * Format: date-time
             */
            last_seen_at: string;
            /** Online */
            online: boolean;
            /**
             * Skills
             * @description What this process said it can do, beside the agent's own skills.
             */
            skills: string[];
            /** Version */
            version: string;
        };
        /**
         * AgentsNow
         * @description The agents that are not revoked.
         */
        AgentsNow: {
            /**
             * Busy
             * @description Agents that hold a task.
             */
            busy: number;
            /**
             * Capacity
             * @description Tasks that all connected processes would hold.
             */
            capacity: number;
            /** Muted */
            muted: number;
            /** Online */
            online: number;
            /** Total */
            total: number;
        };
        /**
         * AliasResource
         * @description A handle such as `@AI_Squad` and the agents behind it.
         */
        AliasResource: {
            /** Agents */
            agents: string[];
            /** Alias */
            alias: string;
        };
        /**
         * Attempt
         * @description One try, and what became of it.
         */
        Attempt: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /**
             * Outcome
             * @description Such as `done`, `retry`, `deferred`, `unsure`, `rejected`, `replayed`.
             */
            outcome: string;
            /** Reason */
            reason: string | null;
        };
        /**
         * AuditResource
         * @description One act.
         */
        AuditResource: {
            /**
             * Action
             * @description Such as `mapping.link`.
             */
            action: string;
            /**
             * Actor
             * @description The e-mail of a person, a client id, or what else acted, such as `command line`.
             */
            actor: string;
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Data */
            data: {
                [key: string]: unknown;
            };
            /** Id */
            id: string;
            /** Object */
            object: string;
        };
        /**
         * Bucket
         * @description One part of the window; `at` is its beginning.
         */
        Bucket: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Delivered */
            delivered: number;
            /** Failed */
            failed: number;
            /**
             * P95 Ms
             * @description From being owed to being out, in milliseconds; null when nothing was.
             */
            p95_ms: number | null;
            /** Received */
            received: number;
        };
        /**
         * CandidateVerdict
         * @description One process of an agent that stands behind the alias, and why it is, or is not, offered the task.
         */
        CandidateVerdict: {
            /** Agent */
            agent: string;
            /** Eligible */
            eligible: boolean;
            /** Instance */
            instance: string | null;
            /** Reason */
            reason: string;
        };
        /**
         * ChangedMapping
         * @description What is to change about a link; what is absent stays.
         */
        ChangedMapping: {
            /** Channel Id */
            channel_id?: string | null;
            /** Sync Keyword */
            sync_keyword?: string | null;
            /** Sync Rule */
            sync_rule?: ("keyword" | "metadata" | "reaction" | "all") | null;
        };
        /**
         * ChannelCatalog
         * @description All channels, as they were at `synced_at`.
         */
        ChannelCatalog: {
            /** Items */
            items: components["schemas"]["ChatChannel"][];
            /** Next Cursor */
            next_cursor?: null;
            /**
             * Synced At
             * Format: date-time
             */
            synced_at: string;
        };
        /**
         * ChatChannel
         * @description A channel of a chat that could be linked.
         */
        ChatChannel: {
            /** Id */
            id: string;
            /** Is Member */
            is_member: boolean;
            /** Is Private */
            is_private: boolean;
            /** Name */
            name: string;
        };
        /**
         * Check
         * @description One thing that has to be right for a connection to work.
         */
        Check: {
            /** Detail */
            detail: string;
            /**
             * Hint
             * @description What to do about it.
             */
            hint?: string | null;
            /** Name */
            name: string;
            /**
             * State
             * @enum {string}
             */
            state: "ok" | "warning" | "failed";
        };
        /**
         * ConnectionResource
         * @description A vendor workspace, without anything secret. `broken_reason` says what to do when access is gone.
         */
        ConnectionResource: {
            /** Broken Reason */
            broken_reason: string | null;
            /** Checked At */
            checked_at: string | null;
            /**
             * Checks
             * @description What was found when somebody looked last.
             */
            checks: components["schemas"]["Check"][];
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
            /**
             * State
             * @enum {string}
             */
            state: "ok" | "degraded" | "broken";
            /** Vendor */
            vendor: string;
            /** Workspace Id */
            workspace_id: string;
        };
        /**
         * ConnectionTest
         * @description What was found at the vendor just now.
         */
        ConnectionTest: {
            /** Checks */
            checks: components["schemas"]["Check"][];
            /**
             * Ok
             * @description No check failed.
             */
            ok: boolean;
        };
        /**
         * ConversationEntry
         * @description One thing said about a task, by whomever and wherever.
         */
        ConversationEntry: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Author */
            author: string;
            /**
             * Author Kind
             * @enum {string}
             */
            author_kind: "person" | "agent" | "oblivion";
            /** Deleted At */
            deleted_at: string | null;
            /** Edited At */
            edited_at: string | null;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "root" | "message" | "question" | "answer" | "result" | "note";
            /** Seen In */
            seen_in: components["schemas"]["Sighting"][];
            /** Text */
            text: string;
        };
        /**
         * CreatedAgentResource
         * @description A new agent; the secret is shown here and never again.
         */
        CreatedAgentResource: {
            /** Client Id */
            client_id: string;
            /** Client Secret */
            client_secret: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
        };
        /**
         * CreatedKeyResource
         * @description A new client; the secret is shown here and never again.
         */
        CreatedKeyResource: {
            /** Client Id */
            client_id: string;
            /** Client Secret */
            client_secret: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "agent" | "admin" | "observer";
            /**
             * Last Used At
             * @description To the minute; null: never.
             */
            last_used_at: string | null;
            /** Name */
            name: string;
            /** Revoked At */
            revoked_at: string | null;
            /** Scopes */
            scopes: string[];
        };
        /**
         * CurrentTask
         * @description A task that an agent holds.
         */
        CurrentTask: {
            /** Id */
            id: string;
            /**
             * State
             * @enum {string}
             */
            state: "submitted" | "offered" | "working" | "input_required" | "approval_required" | "completed" | "failed" | "canceled" | "rejected" | "expired";
            /** Title */
            title: string;
        };
        /**
         * Dead
         * @description Dead letters.
         */
        Dead: {
            /** Count */
            count: number;
        };
        /**
         * DeliveryDetail
         * @description A delivery with what it carries. Secrets in it are masked as `••••`.
         */
        DeliveryDetail: {
            /** Attempts */
            attempts: number;
            /** Conversation Id */
            conversation_id: string | null;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * External Id
             * @description Id of the effect at the vendor.
             */
            external_id: string | null;
            /**
             * Fingerprint
             * @description Equal for rows with the same cause.
             */
            fingerprint: string;
            /**
             * History
             * @description Each try, oldest first.
             */
            history: components["schemas"]["Attempt"][];
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /**
             * Origin
             * @enum {string}
             */
            origin: "inbox" | "outbox";
            /**
             * Payload
             * @description JSON; a body that is none is a string.
             */
            payload: unknown;
            /** Reason */
            reason: string | null;
            /** Sink */
            sink: string;
            /** State */
            state: string;
            /** Task Id */
            task_id: string | null;
            /**
             * Title
             * @description Of the task that it belongs to, if it is known.
             */
            title: string | null;
            /**
             * Tool
             * @description The vendor that it came from or goes to, such as `slack`.
             */
            tool: string;
            /** Traceparent */
            traceparent: string | null;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
        };
        /**
         * DeliveryGroup
         * @description Deliveries with the same cause.
         */
        DeliveryGroup: {
            /** Count */
            count: number;
            /** Fingerprint */
            fingerprint: string;
            /**
             * First Seen At
             * Format: date-time
             */
            first_seen_at: string;
            /** Kinds */
            kinds: string[];
            /**
             * Last Seen At
             * Format: date-time
             */
            last_seen_at: string;
            /**
             * Reason
             * @description The reason that they share; what differs is written as `…`.
             */
            reason: string;
            /**
             * Sample Id
             * @description The newest of them.
             */
            sample_id: string;
            /** Sinks */
            sinks: string[];
        };
        /**
         * DeliveryResource
         * @description One effect on the outside world, or the reason why there is none.
         */
        DeliveryResource: {
            /** Attempts */
            attempts: number;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Fingerprint
             * @description Equal for rows with the same cause.
             */
            fingerprint: string;
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /**
             * Origin
             * @enum {string}
             */
            origin: "inbox" | "outbox";
            /** Reason */
            reason: string | null;
            /** Sink */
            sink: string;
            /** State */
            state: string;
            /** Task Id */
            task_id: string | null;
            /**
             * Title
             * @description Of the task that it belongs to, if it is known.
             */
            title: string | null;
            /**
             * Tool
             * @description The vendor that it came from or goes to, such as `slack`.
             */
            tool: string;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
        };
        /**
         * ExchangedTokenResponse
         * @description Successful answer of `POST /auth/token` to a token exchange, RFC 8693 §2.2.1.
         */
        ExchangedTokenResponse: {
            /** Access Token */
            access_token: string;
            /**
             * Expires In
             * @description Seconds.
             */
            expires_in: number;
            /**
             * Issued Token Type
             * @default urn:ietf:params:oauth:token-type:access_token
             * @constant
             */
            issued_token_type: "urn:ietf:params:oauth:token-type:access_token";
            /** Scope */
            scope: string;
            /**
             * Token Type
             * @default Bearer
             * @constant
             */
            token_type: "Bearer";
        };
        /**
         * Explanation
         * @description Why something is as it is: routed there, waiting, or not mirrored. In words, for people.
         */
        Explanation: {
            /** Candidates */
            candidates?: components["schemas"]["CandidateVerdict"][];
            /** Conversation Id */
            conversation_id?: string | null;
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "task" | "conversation" | "event" | "delivery";
            /** State */
            state: string;
            /** Steps */
            steps?: components["schemas"]["ExplanationStep"][];
            /** Summary */
            summary: string;
            /** Task Id */
            task_id?: string | null;
        };
        /**
         * ExplanationStep
         * @description One reason, in a sentence, and since when it holds.
         */
        ExplanationStep: {
            /** At */
            at?: string | null;
            /** Text */
            text: string;
        };
        /**
         * FirstRun
         * @description What has been done of the way from nothing to the first mirrored task.
         */
        FirstRun: {
            /** Agent */
            agent: boolean;
            /** Agent Online */
            agent_online: boolean;
            /** Clickup */
            clickup: boolean;
            /** Mapping */
            mapping: boolean;
            /** Mirrored */
            mirrored: boolean;
            /** Mirrored Task Id */
            mirrored_task_id?: string | null;
            /** Slack */
            slack: boolean;
        };
        /**
         * IntegrationField
         * @description One credential that somebody has to enter.
         */
        IntegrationField: {
            /** Help */
            help: string;
            /** Label */
            label: string;
            /** Name */
            name: string;
            /** Placeholder */
            placeholder: string;
            /** Required */
            required: boolean;
            /** Secret */
            secret: boolean;
        };
        /**
         * IntegrationResource
         * @description A vendor that can be connected, and how.
         */
        IntegrationResource: {
            /** Docs Url */
            docs_url: string;
            /** Fields */
            fields: components["schemas"]["IntegrationField"][];
            /**
             * Manifest
             * @description What to paste at the vendor to make its app, with our addresses in it.
             */
            manifest: string | null;
            /**
             * Role
             * @enum {string}
             */
            role: "tracker" | "chat";
            /**
             * Steps
             * @description What to do at the vendor, in order; one sentence or two each, plain text.
             */
            steps: string[];
            /** Summary */
            summary: string;
            /** Title */
            title: string;
            /** Vendor */
            vendor: string;
        };
        /**
         * KeyResource
         * @description A client, without its secret.
         */
        KeyResource: {
            /** Client Id */
            client_id: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "agent" | "admin" | "observer";
            /**
             * Last Used At
             * @description To the minute; null: never.
             */
            last_used_at: string | null;
            /** Name */
            name: string;
            /** Revoked At */
            revoked_at: string | null;
            /** Scopes */
            scopes: string[];
        };
        /**
         * ListCatalog
         * @description All lists, as they were at `synced_at`.
         */
        ListCatalog: {
            /** Items */
            items: components["schemas"]["TrackerList"][];
            /** Next Cursor */
            next_cursor?: null;
            /**
             * Synced At
             * Format: date-time
             */
            synced_at: string;
        };
        /**
         * Liveness
         * @description Whether this process works, or why it must be restarted.
         */
        Liveness: {
            /**
             * Reasons
             * @default []
             */
            reasons: string[];
            /**
             * Status
             * @enum {string}
             */
            status: "ok" | "stuck";
        };
        /**
         * MappingResource
         * @description One list of the tracker linked to one channel of the chat.
         */
        MappingResource: {
            /** Channel Id */
            channel_id: string;
            /** Channel Name */
            channel_name: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /**
             * Created By
             * @description Who linked them; null where nobody wrote it down.
             */
            created_by: string | null;
            /** Id */
            id: string;
            /** List Id */
            list_id: string;
            /** List Name */
            list_name: string;
            /** Sync Keyword */
            sync_keyword: string;
            /**
             * Sync Rule
             * @enum {string}
             */
            sync_rule: "keyword" | "metadata" | "reaction" | "all";
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
        };
        /**
         * MeResource
         * @description The caller, and what they may do.
         */
        MeResource: {
            /**
             * Actor
             * @description What the audit log calls them: the e-mail of a person, else a client id.
             */
            actor: string;
            /**
             * Email
             * @description Null for a program that acts for itself.
             */
            email: string | null;
            /**
             * Role
             * @description By the scopes of the token.
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
            /** Scopes */
            scopes: string[];
            tenant: components["schemas"]["OwnTenant"];
        };
        /**
         * MemberResource
         * @description A person who may use the dashboard.
         */
        MemberResource: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Email */
            email: string;
            /**
             * Last Seen At
             * @description When the dashboard last asked for them; null: never.
             */
            last_seen_at: string | null;
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
        };
        /**
         * MemberRole
         * @description What a member may do.
         */
        MemberRole: {
            /**
             * Role
             * @enum {string}
             */
            role: "viewer" | "operator" | "admin";
        };
        /**
         * Mute
         * @description Why an agent is muted; people and the agent read it.
         */
        Mute: {
            /**
             * Reason
             * @default
             */
            reason: string;
        };
        /**
         * NewAgent
         * @description An agent to be.
         */
        NewAgent: {
            /**
             * Aliases
             * @default []
             */
            aliases: string[];
            /** Icon */
            icon?: string | null;
            /** Name */
            name: string;
            /**
             * Skills
             * @default []
             */
            skills: string[];
        };
        /**
         * NewAlias
         * @description An agent to put behind a handle.
         */
        NewAlias: {
            /** Agent */
            agent: string;
            /** Alias */
            alias: string;
        };
        /**
         * NewConnection
         * @description Credentials of a vendor workspace; which ones, the vendor's integration says.
         */
        NewConnection: {
            /** Credentials */
            credentials: {
                [key: string]: string;
            };
            /** Vendor */
            vendor: string;
        };
        /**
         * NewKey
         * @description A client for a program. An agent gets its own from `POST /v1/agents`, the dashboard from the command line.
         */
        NewKey: {
            /** Name */
            name: string;
            /**
             * Scopes
             * @description A stronger scope includes the weaker ones.
             */
            scopes: ("admin:read" | "admin:operate" | "admin:write")[];
        };
        /**
         * NewMapping
         * @description A list and a channel to link.
         */
        NewMapping: {
            /** Channel Id */
            channel_id: string;
            /** List Id */
            list_id: string;
            /**
             * Sync Keyword
             * @default !sync
             */
            sync_keyword: string;
            /**
             * Sync Rule
             * @default keyword
             * @enum {string}
             */
            sync_rule: "keyword" | "metadata" | "reaction" | "all";
        };
        /**
         * OAuthError
         * @description Refusal of `POST /auth/token`, RFC 6749 §5.2.
         */
        OAuthError: {
            /**
             * Error
             * @enum {string}
             */
            error: "invalid_request" | "invalid_client" | "invalid_grant" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope" | "invalid_target" | "server_error" | "temporarily_unavailable";
            /** Error Description */
            error_description: string;
        };
        /**
         * Overview
         * @description Everything on one page, as of `generated_at`.
         */
        Overview: {
            agents: components["schemas"]["AgentsNow"];
            dead: components["schemas"]["Dead"];
            /**
             * Error Rate
             * @description Failed, of all that came in and was to go out within the window.
             */
            error_rate: number;
            first_run: components["schemas"]["FirstRun"];
            /**
             * Generated At
             * Format: date-time
             */
            generated_at: string;
            /** P95 Ms */
            p95_ms: number | null;
            postgres: components["schemas"]["oblivion_protocol__overview__Dependency"];
            redis: components["schemas"]["oblivion_protocol__overview__Dependency"];
            /**
             * Series
             * @description Oldest first; empty buckets included; the last one is still filling.
             */
            series: components["schemas"]["Bucket"][];
            throughput: components["schemas"]["Throughput"];
            unanswered: components["schemas"]["Unanswered"];
            /** Vendors */
            vendors: components["schemas"]["VendorHealth"][];
            waiting: components["schemas"]["Waiting"];
        };
        /**
         * OwnTenant
         * @description The customer organisation that the caller belongs to.
         */
        OwnTenant: {
            /** Id */
            id: string;
            /** Name */
            name: string;
        };
        /** Page[AgentResource] */
        Page_AgentResource_: {
            /** Items */
            items: components["schemas"]["AgentResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[AliasResource] */
        Page_AliasResource_: {
            /** Items */
            items: components["schemas"]["AliasResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[AuditResource] */
        Page_AuditResource_: {
            /** Items */
            items: components["schemas"]["AuditResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[ConnectionResource] */
        Page_ConnectionResource_: {
            /** Items */
            items: components["schemas"]["ConnectionResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[ConversationEntry] */
        Page_ConversationEntry_: {
            /** Items */
            items: components["schemas"]["ConversationEntry"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[DeliveryGroup] */
        Page_DeliveryGroup_: {
            /** Items */
            items: components["schemas"]["DeliveryGroup"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[DeliveryResource] */
        Page_DeliveryResource_: {
            /** Items */
            items: components["schemas"]["DeliveryResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[IntegrationResource] */
        Page_IntegrationResource_: {
            /** Items */
            items: components["schemas"]["IntegrationResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[KeyResource] */
        Page_KeyResource_: {
            /** Items */
            items: components["schemas"]["KeyResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[MappingResource] */
        Page_MappingResource_: {
            /** Items */
            items: components["schemas"]["MappingResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[MemberResource] */
        Page_MemberResource_: {
            /** Items */
            items: components["schemas"]["MemberResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[SearchHit] */
        Page_SearchHit_: {
            /** Items */
            items: components["schemas"]["SearchHit"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[TaskResource] */
        Page_TaskResource_: {
            /** Items */
            items: components["schemas"]["TaskResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[TenantResource] */
        Page_TenantResource_: {
            /** Items */
            items: components["schemas"]["TenantResource"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /** Page[TimelineEntry] */
        Page_TimelineEntry_: {
            /** Items */
            items: components["schemas"]["TimelineEntry"][];
            /** Next Cursor */
            next_cursor?: string | null;
        };
        /**
         * Problem
         * @description `application/problem+json`, RFC 9457, with our stable `code`.
         */
        Problem: {
            /** Code */
            code: string;
            /** Detail */
            detail: string;
            /** Request Id */
            request_id: string;
            /** Status */
            status: number;
            /** Title */
            title: string;
            /**
             * Type
             * @default about:blank
             */
            type: string;
        };
        /**
         * Readiness
         * @description Whether this process should have traffic, and why.
         */
        Readiness: {
            /** Dependencies */
            dependencies: {
                [key: string]: components["schemas"]["nexus__http__health__Dependency"];
            };
            /** Ready */
            ready: boolean;
            /** Version */
            version: string;
        };
        /**
         * Reassignment
         * @description To whom a task goes; without an agent, to whoever is free.
         */
        Reassignment: {
            /** Agent */
            agent?: string | null;
        };
        /**
         * ReplayRequest
         * @description Either some ids, or all that are dead, or all that died of one cause.
         */
        ReplayRequest: {
            /**
             * All
             * @default false
             */
            all: boolean;
            /** Fingerprint */
            fingerprint?: string | null;
            /**
             * Ids
             * @default []
             */
            ids: string[];
        };
        /**
         * ReplayResult
         * @description What became of each row, and how many of those that were meant are dead now.
         */
        ReplayResult: {
            /** Items */
            items: components["schemas"]["Replayed"][];
            /** Remaining */
            remaining: number;
        };
        /**
         * Replayed
         * @description What became of one row.
         */
        Replayed: {
            /** Id */
            id: string;
            /**
             * Outcome
             * @enum {string}
             */
            outcome: "replayed" | "not_dead" | "not_found";
        };
        /**
         * RotatedAgentResource
         * @description New credentials; the secret is shown here and never again.
         */
        RotatedAgentResource: {
            /** Client Id */
            client_id: string;
            /** Client Secret */
            client_secret: string;
            /** Name */
            name: string;
            /** Overlap Seconds */
            overlap_seconds: number;
        };
        /**
         * RotatedKeyResource
         * @description A new secret, shown here and never again; the previous one keeps working for `overlap_seconds`.
         */
        RotatedKeyResource: {
            /** Client Id */
            client_id: string;
            /** Client Secret */
            client_secret: string;
            /** Overlap Seconds */
            overlap_seconds: number;
        };
        /**
         * Rotation
         * @description How long the previous secret keeps working, in seconds.
         */
        Rotation: {
            /**
             * Overlap Seconds
             * @default 86400
             */
            overlap_seconds: number;
        };
        /**
         * SearchHit
         * @description One passage of the tenant's history.
         */
        SearchHit: {
            /**
             * At
             * Format: date-time
             */
            at: string;
            /** Score */
            score: number;
            /** Source */
            source: string;
            /** Task Id */
            task_id: string;
            /** Text */
            text: string;
            /** Title */
            title: string;
            /** Url */
            url: string;
        };
        /**
         * Sighting
         * @description Whether something that was said can be seen in one of the tools, and if not, why.
         */
        Sighting: {
            /**
             * State
             * @enum {string}
             */
            state: "origin" | "mirrored" | "pending" | "failed" | "not_mirrored";
            /**
             * Tool
             * @description The vendor, such as `clickup`.
             */
            tool: string;
            /** Url */
            url: string | null;
            /** Why */
            why: string | null;
        };
        /**
         * TaskResource
         * @description A piece of work for an agent, with where people see it. `state` is null when nobody was asked yet.
         */
        TaskResource: {
            /** Agent */
            agent: string | null;
            /**
             * Alias
             * @description Whom people addressed, without the @.
             */
            alias: string;
            /** Channel Id */
            channel_id: string | null;
            /** Channel Name */
            channel_name: string | null;
            /** Conversation Id */
            conversation_id: string;
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Epoch */
            epoch: number;
            /** Id */
            id: string;
            /** Item Id */
            item_id: string;
            /** List Id */
            list_id: string;
            /** List Name */
            list_name: string | null;
            /**
             * Mirror
             * @enum {string}
             */
            mirror: "mirrored" | "addressed, not mapped" | "closed";
            /**
             * Open Question
             * @description An agent asked something, and nobody has answered yet.
             */
            open_question: boolean;
            /** Reason */
            reason: string | null;
            /**
             * Requested By
             * @description Who asked for it; empty when nobody knows.
             */
            requested_by: string;
            /** Root Ts */
            root_ts: string | null;
            /** State */
            state: ("submitted" | "offered" | "working" | "input_required" | "approval_required" | "completed" | "failed" | "canceled" | "rejected" | "expired") | null;
            /** Title */
            title: string;
            /**
             * Trace Id
             * @description W3C trace id, from the webhook that it began with.
             */
            trace_id: string | null;
            /** Type */
            type: string | null;
            /**
             * Updated At
             * Format: date-time
             */
            updated_at: string;
            /** Url */
            url: string;
            /**
             * Waiting Seconds
             * @description How long nobody has been at work on it; null when it waits not.
             */
            waiting_seconds: number | null;
        };
        /**
         * TenantResource
         * @description A customer organisation.
         */
        TenantResource: {
            /**
             * Created At
             * Format: date-time
             */
            created_at: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
        };
        /**
         * Throughput
         * @description Sums over the window.
         */
        Throughput: {
            /**
             * Delivered
             * @description Effects that are out.
             */
            delivered: number;
            /**
             * Failed
             * @description Events and effects that became dead letters.
             */
            failed: number;
            /**
             * Received
             * @description Events that came in.
             */
            received: number;
        };
        /**
         * TimelineEntry
         * @description One hop of a task.
         */
        TimelineEntry: {
            /**
             * At
             * Format: date-time
             * @description When it ended, or happened.
             */
            at: string;
            /** Attempts */
            attempts: components["schemas"]["Attempt"][];
            /** Data */
            data: {
                [key: string]: unknown;
            };
            /**
             * Duration Ms
             * @description How long the hop took; null for what takes no time.
             */
            duration_ms: number | null;
            /** Id */
            id: string;
            /** Kind */
            kind: string;
            /**
             * Level
             * @enum {string}
             */
            level: "info" | "warning" | "error";
            /** Started At */
            started_at: string | null;
            /** Summary */
            summary: string;
            /** Trace Id */
            trace_id: string | null;
        };
        /**
         * TokenResponse
         * @description Successful answer of `POST /auth/token`, RFC 6749 §5.1.
         */
        TokenResponse: {
            /** Access Token */
            access_token: string;
            /**
             * Expires In
             * @description Seconds.
             */
            expires_in: number;
            /** Scope */
            scope: string;
            /**
             * Token Type
             * @default Bearer
             * @constant
             */
            token_type: "Bearer";
        };
        /**
         * TrackerList
         * @description A list of a tracker that could be linked.
         */
        TrackerList: {
            /**
             * Group
             * @description Where it stands, such as `Space / Folder`; empty when nowhere in particular.
             */
            group: string;
            /** Id */
            id: string;
            /** Name */
            name: string;
        };
        /**
         * Unanswered
         * @description The headline figure.
         */
        Unanswered: {
            /** Count */
            count: number;
            /**
             * Items
             * @description The oldest, at most 10.
             */
            items: components["schemas"]["UnansweredItem"][];
            /** Oldest Seconds */
            oldest_seconds: number | null;
        };
        /**
         * UnansweredItem
         * @description Something a person did that has no visible outcome yet, and why.
         */
        UnansweredItem: {
            /** Id */
            id: string;
            /**
             * Kind
             * @enum {string}
             */
            kind: "event" | "delivery" | "task";
            /**
             * Since
             * Format: date-time
             */
            since: string;
            /** Task Id */
            task_id?: string | null;
            /** Title */
            title: string;
            /** Why */
            why: string;
        };
        /**
         * VendorHealth
         * @description A connection to a vendor, as it was when it was looked at last.
         */
        VendorHealth: {
            /** Checked At */
            checked_at: string | null;
            /** Checks */
            checks: components["schemas"]["Check"][];
            /** Connection Id */
            connection_id: string;
            /** Name */
            name: string;
            /**
             * State
             * @enum {string}
             */
            state: "ok" | "degraded" | "down";
            /** Vendor */
            vendor: string;
        };
        /**
         * Waiting
         * @description What is under way or waits for its turn.
         */
        Waiting: {
            /** Deliveries */
            deliveries: number;
            /** Events */
            events: number;
            /** Oldest Seconds */
            oldest_seconds: number | null;
            /** Tasks */
            tasks: number;
        };
        /**
         * Dependency
         * @description How one dependency is. `degraded` slows us down and does not stop us.
         */
        nexus__http__health__Dependency: {
            /**
             * Detail
             * @default
             */
            detail: string;
            /**
             * State
             * @enum {string}
             */
            state: "ok" | "degraded" | "down";
        };
        /**
         * Dependency
         * @description A server that Nexus needs.
         */
        oblivion_protocol__overview__Dependency: {
            /** Detail */
            detail: string;
            /**
             * State
             * @enum {string}
             */
            state: "ok" | "degraded" | "down";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_jwks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/jwk-set+json": unknown;
                };
            };
        };
    };
    get_authorization_server: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
        };
    };
    introspect_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    client_id?: string;
                    /** Format: password */
                    client_secret?: string;
                    token: string;
                    token_type_hint?: string;
                };
                "application/x-www-form-urlencoded": {
                    client_id?: string;
                    /** Format: password */
                    client_secret?: string;
                    token: string;
                    token_type_hint?: string;
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
        };
    };
    revoke_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    client_id?: string;
                    /** Format: password */
                    client_secret?: string;
                    token: string;
                    token_type_hint?: string;
                };
                "application/x-www-form-urlencoded": {
                    client_id?: string;
                    /** Format: password */
                    client_secret?: string;
                    token: string;
                    token_type_hint?: string;
                };
            };
        };
        responses: {
            /** @description The token does not work, whatever it was. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
        };
    };
    issue_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {unknown} */
                    audience?: "nexus" | "nexus:admin-socket";
                    client_id?: string;
                    /** Format: password */
                    client_secret?: string;
                    /** @enum {unknown} */
                    grant_type: "client_credentials" | "urn:ietf:params:oauth:grant-type:token-exchange";
                    scope?: string;
                    /** @description For the token exchange: an e-mail. */
                    subject_token?: string;
                    /** @constant */
                    subject_token_type?: "urn:oblivion:params:oauth:token-type:email";
                };
                "application/x-www-form-urlencoded": {
                    /** @enum {unknown} */
                    audience?: "nexus" | "nexus:admin-socket";
                    client_id?: string;
                    /** Format: password */
                    client_secret?: string;
                    /** @enum {unknown} */
                    grant_type: "client_credentials" | "urn:ietf:params:oauth:grant-type:token-exchange";
                    scope?: string;
                    /** @description For the token exchange: an e-mail. */
                    subject_token?: string;
                    /** @constant */
                    subject_token_type?: "urn:oblivion:params:oauth:token-type:email";
                };
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExchangedTokenResponse"] | components["schemas"]["TokenResponse"];
                };
            };
            /** @description Bad Request */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Unauthorized */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
            /** @description Too Many Requests */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OAuthError"];
                };
            };
        };
    };
    get_liveness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Service Unavailable */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    list_agents: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AgentResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_agent: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAgent"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedAgentResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_agent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_agent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AgentChange"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    mute_agent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Mute"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotate_agent_secret: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Rotation"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RotatedAgentResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    unmute_agent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_aliases: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AliasResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    add_alias: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewAlias"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AliasResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    remove_alias: {
        parameters: {
            query?: {
                agent?: string | null;
            };
            header?: never;
            path: {
                alias: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_audit: {
        parameters: {
            query?: {
                /** @description Acts of this one only */
                actor?: string | null;
                /** @description Acts of this kind only; `member` stands for `member.add` and all such */
                action?: string | null;
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AuditResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_connections: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConnectionResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_connection: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewConnection"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_connection: {
        parameters: {
            query?: {
                force?: boolean;
            };
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    check_connection: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                connection_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionTest"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                state?: ("pending" | "sending" | "done" | "ignored" | "superseded" | "dead") | null;
                origin?: ("inbox" | "outbox") | null;
                sink?: string | null;
                fingerprint?: string | null;
                /** @description Part of the reason or the title, or an id */
                q?: string | null;
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DeliveryResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_delivery_groups: {
        parameters: {
            query?: {
                state?: "pending" | "sending" | "done" | "ignored" | "superseded" | "dead";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_DeliveryGroup_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replay_deliveries: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayRequest"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReplayResult"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_delivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryDetail"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    replay_delivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    explain_anything: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of a task, conversation, event or delivery, or the vendor's own id of an item or a message */
                wanted: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Explanation"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_integrations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_IntegrationResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_KeyResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewKey"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedKeyResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rotate_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Rotation"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RotatedKeyResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_mappings: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_MappingResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    create_mapping: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewMapping"];
            };
        };
        responses: {
            /** @description Successful Response */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MappingResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    delete_mapping: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                mapping_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    change_mapping: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                mapping_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangedMapping"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MappingResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MeResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_members: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_MemberResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    put_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description In any case; members are known in lower case. */
                email: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MemberRole"];
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberResource"];
                };
            };
            /** @description Added */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemberResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    remove_member: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description In any case; members are known in lower case. */
                email: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_overview: {
        parameters: {
            query?: {
                /** @description Length of the window that is counted */
                minutes?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    search_history: {
        parameters: {
            query: {
                /** @description Words, a question, an identifier */
                q: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_SearchHit_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_tasks: {
        parameters: {
            query?: {
                /** @description One of these states */
                state?: ("submitted" | "offered" | "working" | "input_required" | "approval_required" | "completed" | "failed" | "canceled" | "rejected" | "expired")[] | null;
                mirror?: ("mirrored" | "addressed, not mapped" | "closed") | null;
                agent?: string | null;
                list_id?: string | null;
                channel_id?: string | null;
                /** @description Nobody is at work on it, and it is not over */
                waiting?: boolean;
                /** @description Part of the title, or the id of a task or an item */
                q?: string | null;
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TaskResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancel_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_task_conversation: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConversationEntry_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reassign_task: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Reassignment"] | null;
            };
        };
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskResource"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    get_task_timeline: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before */
                cursor?: string | null;
                limit?: number;
            };
            header?: never;
            path: {
                task_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TimelineEntry_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_tenants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_TenantResource_"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_vendor_channels: {
        parameters: {
            query?: {
                /** @description Read anew, though not more often than every 5 s */
                refresh?: boolean;
            };
            header?: never;
            path: {
                vendor: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChannelCatalog"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    list_vendor_lists: {
        parameters: {
            query?: {
                /** @description Read anew, though not more often than every 5 s */
                refresh?: boolean;
            };
            header?: never;
            path: {
                vendor: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Successful Response */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ListCatalog"];
                };
            };
            /** @description A problem, RFC 9457 */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Problem"];
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
