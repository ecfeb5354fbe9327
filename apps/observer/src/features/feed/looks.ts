import type { Tone } from "@/ui/states";
import type { Level } from "./filters";

/** How a level is said and shown: only what needs somebody has the colour of a state that needs somebody. */
export const LEVEL_LOOKS: Record<Level, { label: string; tone: Tone }> = {
  debug: { label: "Debug", tone: "offline" },
  info: { label: "Info", tone: "active" },
  warning: { label: "Warning", tone: "waiting" },
  error: { label: "Error", tone: "failed" },
};
