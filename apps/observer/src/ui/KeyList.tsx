"use client";

import { Kbd, Modal, Text } from "@mantine/core";
import { useHotkeyList, type Hotkey } from "@/lib/keys";
import classes from "./KeyList.module.css";

/** All keys that do something at the moment, by group. */
export function KeyList({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const groups = grouped(useHotkeyList());
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="lg">
      <div className={classes.groups}>
        {groups.map(([group, hotkeys]) => (
          <section key={group}>
            <Text component="h3" size="xs" c="dimmed" fw={500} m={0} mb={6}>
              {group}
            </Text>
            <dl className={classes.list}>
              {hotkeys.map((hotkey) => (
                <div key={hotkey.keys} className={classes.entry}>
                  <dt>{hotkey.label}</dt>
                  <dd>
                    {hotkey.keys.split(" ").map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

function grouped(hotkeys: readonly Hotkey[]): [string, Hotkey[]][] {
  const groups = new Map<string, Map<string, Hotkey>>();
  for (const hotkey of hotkeys) {
    if (hotkey.disabled === true) continue;
    const group = groups.get(hotkey.group) ?? new Map<string, Hotkey>();
    groups.set(hotkey.group, group.set(hotkey.keys, hotkey));
  }
  return [...groups].map(([name, entries]) => [name, [...entries.values()]]);
}
