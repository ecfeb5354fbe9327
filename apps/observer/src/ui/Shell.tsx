"use client";

import { ActionIcon, Burger, Kbd, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import Link from "next/link";
import { usePathname, useRouter } from "next/navigation";
import { Suspense, useEffect, useEffectEvent, useState, type ReactNode } from "react";
import { useHealth } from "@/lib/api/health";
import { useConfig } from "@/lib/config";
import { register, useHotkey } from "@/lib/keys";
import { useStats } from "@/lib/live/provider";
import { useMe } from "@/lib/me";
import { lazily } from "./lazily";
import { AccountMenu, type Person } from "./AccountMenu";
import { Banner } from "./Banner";
import { Logo } from "./Logo";
import { DESTINATIONS } from "./navigation";
import { NotMember } from "./NotMember";
import classes from "./Shell.module.css";
import { useLazyPalette } from "./useLazyPalette";

const KeyList = lazily(() => import("./KeyList").then((file) => file.KeyList));

/** What is around every page: navigation, account, palette, keys, and the one banner. */
export function Shell({ person, children }: { person: Person; children: ReactNode }) {
  const [isMenuOpen, menu] = useDisclosure(false);
  const [areKeysShown, keys] = useDisclosure(false);
  const { health, reason } = useHealth();
  const { open: openPalette, palette } = useLazyPalette();
  useJumps();
  useHotkey("?", "List keys", "Anywhere", keys.open);
  return (
    <div className={classes.shell}>
      <a href="#content" className={classes.skip}>
        Skip to the page
      </a>
      <header className={classes.topBar}>
        <Burger
          size="sm"
          opened={isMenuOpen}
          onClick={menu.toggle}
          aria-label={isMenuOpen ? "Close menu" : "Open menu"}
        />
        <Brand />
        <ActionIcon aria-label="Search or jump to" ml="auto" onClick={openPalette}>
          <IconSearch size={18} />
        </ActionIcon>
      </header>
      <div className={classes.side} data-open={isMenuOpen || undefined}>
        <header className={classes.sideBrand}>
          <Brand />
        </header>
        <SearchButton onOpen={openPalette} />
        <Navigation onGo={menu.close} />
        <AccountMenu person={person} onShowKeys={keys.open} />
      </div>
      {isMenuOpen && <div className={classes.scrim} onClick={menu.close} aria-hidden />}
      <div className={classes.main}>
        <Suspense>
          <Banner />
        </Suspense>
        <main id="content" className={classes.content} tabIndex={-1}>
          {health === "not_member" ? <NotMember email={person.email} reason={reason} /> : children}
        </main>
      </div>
      {palette}
      <KeyList opened={areKeysShown} onClose={keys.close} />
    </div>
  );
}

function Brand() {
  const { data: me } = useMe();
  const { isLocal } = useConfig();
  return (
    <Link href="/overview" className={classes.brand}>
      <Logo />
      <span>Oblivion</span>
      {(isLocal || me !== undefined) && (
        <span className={classes.tenant} title={me?.tenant.name}>
          {isLocal ? "local" : me?.tenant.name}
        </span>
      )}
    </Link>
  );
}

function SearchButton({ onOpen }: { onOpen: () => void }) {
  const [mod, setMod] = useState("Ctrl ");
  // The server does not know the keyboard.
  useEffect(() => {
    // eslint-disable-next-line react-hooks/set-state-in-effect
    if (/Mac|iPhone|iPad/.test(navigator.userAgent)) setMod("⌘");
  }, []);
  return (
    <UnstyledButton className={classes.search} onClick={onOpen}>
      <IconSearch size={14} />
      <span>Search or jump to…</span>
      <Kbd>{mod}K</Kbd>
    </UnstyledButton>
  );
}

function Navigation({ onGo }: { onGo: () => void }) {
  const pathname = usePathname();
  const { data: stats } = useStats();
  const dead = stats?.dead ?? 0;
  return (
    <nav aria-label="Pages" className={classes.nav}>
      {DESTINATIONS.map(({ href, label, icon: Icon }) => (
        <Link
          key={href}
          href={href}
          className={classes.link}
          aria-current={isUnder(pathname, href) ? "page" : undefined}
          onClick={onGo}
        >
          <Icon size={17} stroke={1.6} />
          <span>{label}</span>
          {href === "/dead-letters" && dead > 0 && (
            <span className={classes.count}>
              {dead > 999 ? "999+" : dead}
              <span className="visually-hidden"> dead</span>
            </span>
          )}
        </Link>
      ))}
    </nav>
  );
}

/** `g` and a letter: to a page. */
function useJumps(): void {
  const router = useRouter();
  const go = useEffectEvent((href: (typeof DESTINATIONS)[number]["href"]) => {
    router.push(href);
  });
  useEffect(() => {
    const ends = DESTINATIONS.map(({ href, label, key }) =>
      register({
        keys: `g ${key}`,
        label: `Go to ${label}`,
        group: "Go to",
        run: () => {
          go(href);
        },
      }),
    );
    return () => {
      for (const end of ends) end();
    };
  }, []);
}

function isUnder(pathname: string, href: string): boolean {
  return pathname === href || pathname.startsWith(`${href}/`);
}
