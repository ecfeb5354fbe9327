import {
  IconArrowsExchange,
  IconInbox,
  IconLayoutDashboard,
  IconListDetails,
  IconRobot,
  IconSettings,
  IconTerminal2,
  type Icon,
} from "@tabler/icons-react";
import type { Route } from "next";

export interface Destination {
  href: Route;
  label: string;
  icon: Icon;
  /** Pressed after `g`. */
  key: string;
}

/** The pages, in the order of the navigation. */
export const DESTINATIONS: Destination[] = [
  { href: "/overview", label: "Overview", icon: IconLayoutDashboard, key: "o" },
  { href: "/mappings", label: "Mappings", icon: IconArrowsExchange, key: "m" },
  { href: "/agents", label: "Agents", icon: IconRobot, key: "a" },
  { href: "/feed", label: "Live feed", icon: IconTerminal2, key: "l" },
  { href: "/tasks", label: "Tasks", icon: IconListDetails, key: "t" },
  { href: "/dead-letters", label: "Dead letters", icon: IconInbox, key: "d" },
  { href: "/settings", label: "Settings", icon: IconSettings, key: "s" },
];
