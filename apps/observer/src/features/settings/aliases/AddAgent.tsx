"use client";

import { Combobox, Tooltip, useCombobox } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { Agent } from "@/features/agents/roster";
import { usePermission } from "@/lib/me";
import classes from "./Aliases.module.css";
import { handle, useSetMembership } from "./queries";

const MOST = 50;

/** Chooses one more agent for a handle among those that are not behind it yet. */
export function AddAgent({ alias, agents }: { alias: string; agents: Agent[] }) {
  const { allowed, why } = usePermission("write");
  const setMembership = useSetMembership();
  const [text, setText] = useState("");
  const box = useCombobox({
    onDropdownClose: () => {
      box.resetSelectedOption();
      setText("");
    },
    onDropdownOpen: () => {
      box.focusSearchInput();
    },
  });
  const reason = why ?? (agents.length === 0 ? "Every agent stands behind it already." : null);
  const found = agents
    .filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase()))
    .slice(0, MOST);
  return (
    <Combobox
      store={box}
      width={220}
      position="bottom-start"
      onOptionSubmit={(agent) => {
        box.closeDropdown();
        setMembership.mutate({ alias, agent, isBehind: true });
      }}
    >
      <Combobox.Target withAriaAttributes={false}>
        <Tooltip label={reason} disabled={reason === null}>
          <button
            type="button"
            className={classes.add}
            aria-label={`Add an agent to ${handle(alias)}`}
            aria-haspopup="listbox"
            aria-expanded={box.dropdownOpened}
            aria-disabled={reason !== null || undefined}
            onClick={() => {
              if (allowed && reason === null) box.toggleDropdown();
            }}
          >
            <IconPlus size={12} aria-hidden /> Add agent
          </button>
        </Tooltip>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          aria-label="Find an agent"
          placeholder="Find an agent"
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            box.selectFirstOption();
          }}
        />
        <Combobox.Options mah={240} style={{ overflowY: "auto" }}>
          {found.map(({ id, name, online }) => (
            <Combobox.Option key={id} value={name}>
              {name} <span className={classes.kind}>{online ? "online" : "offline"}</span>
            </Combobox.Option>
          ))}
          {found.length === 0 && <Combobox.Empty>No agent matches</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
