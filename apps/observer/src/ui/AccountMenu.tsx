"use client";

import { Avatar, Menu, SegmentedControl, Text, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useMounted } from "@mantine/hooks";
import { IconKeyboard, IconLogout, IconSelector } from "@tabler/icons-react";
import { useMe } from "@/lib/me";
import { ROLE_SUMMARY } from "@/lib/roles";
import { endSession } from "@/lib/server/session-actions";
import classes from "./Shell.module.css";

export interface Person {
  name: string | null;
  email: string;
}

/** Who is signed in, in which role; the look, the keys, the way out. */
export function AccountMenu({ person, onShowKeys }: { person: Person; onShowKeys: () => void }) {
  const { data: me } = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const isMounted = useMounted();
  const name = person.name ?? person.email;
  return (
    <Menu width={244} position="top-start">
      <Menu.Target>
        <UnstyledButton className={classes.account} aria-label={`Account of ${name}`}>
          <Avatar size={26} radius="xl" color="gray" name={name} />
          <span className={classes.accountWords}>
            <span className="truncate">{name}</span>
            <span className={classes.role}>{me?.role ?? "…"}</span>
          </span>
          <IconSelector size={14} className={classes.accountMore} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes.accountHead}>
          <Text size="sm" className="truncate">
            {person.email}
          </Text>
          <Text size="xs" c="dimmed">
            {me === undefined ? "Role not known yet" : `${capital(me.role)}: ${ROLE_SUMMARY[me.role]}`}
          </Text>
        </div>
        <Menu.Divider />
        <div className={classes.accountHead}>
          <SegmentedControl
            fullWidth
            aria-label="Colour scheme"
            value={isMounted ? colorScheme : "auto"}
            onChange={setColorScheme}
            data={[
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
              { value: "auto", label: "System" },
            ]}
          />
        </div>
        <Menu.Item leftSection={<IconKeyboard size={15} />} onClick={onShowKeys}>
          Keys
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void endSession()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
