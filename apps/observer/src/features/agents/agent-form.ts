const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const ALIAS = /^@?[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,79}$/u;

/** What is wrong with an agent's name, as Nexus will see it; null when nothing is. */
export function nameProblem(name: string, taken: readonly string[] = []): string | null {
  if (name === "") return "An agent needs a name.";
  if (!NAME.test(name)) {
    return "Up to 64 letters, digits, dots, underscores or hyphens, beginning with a letter or digit.";
  }
  return taken.includes(name)
    ? `There is an agent ${name} already. A revoked one keeps its name, too.`
    : null;
}

/** What is wrong with the skills; they follow the rule of names. */
export function skillsProblem(skills: readonly string[]): string | null {
  const wrong = skills.find((skill) => !NAME.test(skill));
  return wrong === undefined
    ? null
    : `“${wrong}” cannot be a skill: letters, digits, dots, underscores, hyphens.`;
}

/** What is wrong with a handle; null when people can type it as one word. */
export function aliasProblem(alias: string): string | null {
  return ALIAS.test(alias.trim())
    ? null
    : "One word of up to 80 letters, digits, dots, underscores or hyphens, such as @AI_Squad.";
}

/** What is wrong with several handles. */
export function aliasesProblem(aliases: readonly string[]): string | null {
  const wrong = aliases.find((alias) => aliasProblem(alias) !== null);
  return wrong === undefined ? null : `“${wrong}” cannot be an alias: it has to be one word.`;
}
