/** The roles that people have, least first. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** What each role may do, in a sentence for people. */
export const ROLE_SUMMARY: Record<Role, string> = {
  viewer: "Sees everything, changes nothing.",
  operator: "Links lists, replays, cancels and reassigns tasks, mutes agents.",
  admin: "Everything: agents, connections, people and keys, too.",
};
