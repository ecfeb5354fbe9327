import { Anchor, Tooltip } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import type { Model } from "@/lib/api/client";
import type { StateLook } from "@/ui/states";
import { StatusBadge } from "@/ui/StatusBadge";
import { toolName } from "@/ui/words";
import classes from "./Conversation.module.css";

const LOOKS: Record<Model<"Sighting">["state"], StateLook> = {
  origin: { label: "Written here", tone: "ok" },
  mirrored: { label: "Seen here", tone: "ok" },
  pending: { label: "On its way", tone: "active" },
  failed: { label: "Failed", tone: "failed" },
  not_mirrored: { label: "Not here", tone: "offline" },
};

/** Whether a message can be seen in a tool; if not, why. */
export function Sighting({ tool, sighting }: { tool: string; sighting: Model<"Sighting"> | undefined }) {
  const { state, url, why } = sighting ?? { state: "not_mirrored", url: null, why: null };
  const badge = <StatusBadge look={LOOKS[state]} plain />;
  return (
    <div className={classes.sighting}>
      <span className={classes.toolName}>{toolName(tool)}</span>
      {why === null ? (
        badge
      ) : (
        <Tooltip label={why} multiline maw={320}>
          <span tabIndex={0} className={classes.why}>
            {badge}
            <span className="visually-hidden">{why}</span>
          </span>
        </Tooltip>
      )}
      {url !== null && (
        <Anchor
          href={url}
          target="_blank"
          rel="noreferrer"
          size="xs"
          aria-label={`Open in ${toolName(tool)}`}
        >
          <IconExternalLink size={13} aria-hidden />
        </Anchor>
      )}
    </div>
  );
}
