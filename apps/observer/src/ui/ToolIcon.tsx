import {
  IconBrandSlack,
  IconChecklist,
  IconInfinity,
  IconPlug,
  IconRobot,
  type IconProps,
} from "@tabler/icons-react";

const ICONS = {
  clickup: IconChecklist,
  slack: IconBrandSlack,
  agent: IconRobot,
  agents: IconRobot,
  oblivion: IconInfinity,
};

/** The sign of a tool, beside its name. */
export function ToolIcon({ tool, ...props }: { tool: string } & IconProps) {
  const Icon = isKnown(tool) ? ICONS[tool] : IconPlug;
  return <Icon size={15} stroke={1.7} aria-hidden {...props} />;
}

function isKnown(tool: string): tool is keyof typeof ICONS {
  return Object.hasOwn(ICONS, tool);
}
