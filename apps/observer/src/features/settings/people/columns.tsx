import { Avatar } from "@mantine/core";
import { ActionButton } from "@/ui/ActionButton";
import { confirmFirst } from "@/ui/confirmations";
import type { Column } from "@/ui/DataTable";
import { Time } from "@/ui/Time";
import type { Role } from "@/lib/roles";
import { whyKept, type Member } from "./members";
import classes from "./People.module.css";
import { RoleSelect } from "./RoleSelect";

export interface PeopleActions {
  members: Member[];
  /** Who is signed in. */
  me: string | null;
  changeRole: (member: Member, role: Role) => void;
  remove: (member: Member) => void;
}

/** The columns of the list of people. */
export function peopleColumns({ members, me, changeRole, remove }: PeopleActions): Column<Member>[] {
  return [
    {
      key: "email",
      header: "Person",
      render: ({ email }) => (
        <span className={classes.person}>
          <Avatar
            className={classes.avatar ?? ""}
            size={22}
            radius="xl"
            name={email}
            color="gray"
            aria-hidden
          />
          <span className="truncate">{email}</span>
          {email === me && <span className={classes.you}>you</span>}
        </span>
      ),
    },
    {
      key: "role",
      header: "Role",
      width: "clamp(112px, 12vw, 150px)",
      render: (member) => (
        <RoleSelect
          label={`Role of ${member.email}`}
          value={member.role}
          disabledWhy={whyKept(members, member)}
          onChange={(role) => {
            if (member.email !== me) changeRole(member, role);
            else confirmOwnRole(member, role, changeRole);
          }}
        />
      ),
    },
    {
      key: "seen",
      header: "Last seen",
      width: 130,
      secondary: true,
      render: ({ last_seen_at }) => <Time at={last_seen_at} />,
    },
    {
      key: "added",
      header: "Added",
      width: 130,
      secondary: true,
      render: ({ created_at }) => <Time at={created_at} />,
    },
    {
      key: "remove",
      header: <span className="visually-hidden">Remove</span>,
      width: "clamp(92px, 8vw, 100px)",
      align: "right",
      render: (member) => (
        <ActionButton
          needs="write"
          size="compact-xs"
          variant="subtle"
          color="gray"
          aria-label={`Remove ${member.email}`}
          disabledWhy={whyKept(members, member)}
          onClick={() => {
            confirmRemoval(member, member.email === me, remove);
          }}
        >
          Remove
        </ActionButton>
      ),
    },
  ];
}

function confirmOwnRole(member: Member, role: Role, changeRole: PeopleActions["changeRole"]): void {
  confirmFirst({
    title: `Make yourself ${role}?`,
    children: "You cannot take this back: another admin has to.",
    confirm: `Make myself ${role}`,
    onConfirm: () => {
      changeRole(member, role);
    },
  });
}

function confirmRemoval(member: Member, isMe: boolean, remove: PeopleActions["remove"]): void {
  confirmFirst({
    title: isMe ? "Remove yourself?" : `Remove ${member.email}?`,
    children: isMe
      ? "You lose all access within a minute, and only another admin can let you in again."
      : "They lose all access within a minute. What they did stays in the audit log under their name.",
    confirm: isMe ? "Remove myself" : `Remove ${member.email}`,
    onConfirm: () => {
      remove(member);
    },
  });
}
