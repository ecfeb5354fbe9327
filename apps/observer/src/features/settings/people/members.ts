import type { Model } from "@/lib/api/client";

export type Member = Model<"MemberResource">;

const EMAIL = /^[a-z0-9.!#$%&'*+=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/;
const MAX_EMAIL_CHARS = 254;

/** Why a member cannot lose the role of admin: nobody else could give it back. Null when they can. */
export function whyKept(members: Member[], member: Member): string | null {
  const admins = members.filter(({ role }) => role === "admin");
  return member.role === "admin" && admins.length === 1
    ? `${member.email} is the last admin. Make somebody else an admin first.`
    : null;
}

/** What is wrong with the e-mail of a person to add; null when nothing is. */
export function emailProblem(text: string, members: Member[]): string | null {
  const email = text.trim().toLowerCase();
  if (email.length > MAX_EMAIL_CHARS || !EMAIL.test(email)) {
    return "That is no e-mail address, such as ann@example.com.";
  }
  return members.some((member) => member.email === email)
    ? `${email} is a member already: change the role in the list.`
    : null;
}
