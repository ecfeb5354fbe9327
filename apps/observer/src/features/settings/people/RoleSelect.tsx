"use client";

import { Select, Tooltip } from "@mantine/core";
import { usePermission } from "@/lib/me";
import { ROLES, ROLE_SUMMARY, type Role } from "@/lib/roles";
import { capital } from "@/ui/words";

export interface RoleSelectProps {
  label: string;
  value: Role;
  onChange: (role: Role) => void;
  /** Why it cannot be changed. */
  disabledWhy?: string | null;
}

/** Chooses a role, each with what it may do. */
export function RoleSelect({ label, value, onChange, disabledWhy = null }: RoleSelectProps) {
  const { allowed, why } = usePermission("write");
  const reason = allowed ? disabledWhy : why;
  return (
    <Tooltip label={reason} disabled={reason === null} maw={320} multiline>
      <span style={{ display: "block" }}>
        <Select
          aria-label={label}
          w="100%"
          styles={{ input: { height: 26, minHeight: 26 } }}
          disabled={reason !== null}
          data={ROLES.map((role) => ({ value: role, label: capital(role) }))}
          value={value}
          comboboxProps={{ width: 300, position: "bottom-start" }}
          renderOption={({ option }) => <RoleOption role={ROLES.find((role) => role === option.value)} />}
          onChange={(chosen) => {
            const role = ROLES.find((each) => each === chosen);
            if (role !== undefined && role !== value) onChange(role);
          }}
        />
      </span>
    </Tooltip>
  );
}

function RoleOption({ role }: { role: Role | undefined }) {
  if (role === undefined) return null;
  return (
    <span>
      <span style={{ fontWeight: 500 }}>{capital(role)}</span>
      <br />
      <span style={{ color: "var(--mantine-color-dimmed)" }}>{ROLE_SUMMARY[role]}</span>
    </span>
  );
}
