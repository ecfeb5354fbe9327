const TOOLS: Record<string, string> = {
  clickup: "ClickUp",
  slack: "Slack",
  agent: "Agents",
  agents: "Agents",
  oblivion: "Oblivion",
};

const NUMBER = new Intl.NumberFormat("en");

/** A tool's name as people spell it: "ClickUp". An unknown one only gets a capital letter. */
export function toolName(tool: string): string {
  return TOOLS[tool] ?? capital(tool);
}

/** "1,204". */
export function number(count: number): string {
  return NUMBER.format(count);
}

/** "1 message", "1,204 messages". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** A share between 0 and 1: "0 %", "< 0.1 %", "4.2 %", "37 %". */
export function percent(share: number): string {
  const hundredths = share * 100;
  if (hundredths <= 0) return "0 %";
  if (hundredths < 0.1) return "< 0.1 %";
  return `${hundredths < 10 ? (Math.round(hundredths * 10) / 10).toString() : Math.round(hundredths)} %`;
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
