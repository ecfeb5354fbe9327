import { Anchor } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import Link from "next/link";
import { useTraceUrl } from "@/lib/config";
import { useNow } from "@/lib/clock";
import { Id } from "@/ui/Id";
import { taskLook } from "@/ui/states";
import { StatusBadge } from "@/ui/StatusBadge";
import { toolName } from "@/ui/words";
import { useConversation } from "./detail-queries";
import type { Row } from "./paging";
import { stateWords } from "./words";

/** Under the title: state, agent, where it is, ids, and where it can be seen. */
export function TaskFacts({ task }: { task: Row }) {
  const { id, agent, alias, requested_by, list_name, list_id, channel_name, state, item_id, trace_id } = task;
  const now = useNow();
  const words = stateWords(task, now);
  const trace = useTraceUrl(trace_id);
  const seen = useConversation(id).data?.find(({ kind }) => kind === "root")?.seen_in ?? [];
  return (
    <>
      <StatusBadge look={taskLook(state)} pulse={state === "working"} />
      {words !== null && <span>{words}</span>}
      {agent !== null && (
        <Anchor component={Link} size="sm" href={`/agents?agent=${encodeURIComponent(agent)}`}>
          {agent}
        </Anchor>
      )}
      <span>
        {requested_by === "" ? "somebody" : requested_by} → @{alias}
      </span>
      <span>
        {list_name ?? list_id}
        {channel_name !== null && ` → #${channel_name}`}
      </span>
      {seen
        .filter(({ url }) => url !== null)
        .map(({ tool, url }) => (
          <Anchor key={tool} size="sm" href={url ?? ""} target="_blank" rel="noreferrer">
            {toolName(tool)} <IconExternalLink size={12} aria-hidden />
          </Anchor>
        ))}
      {trace !== null && (
        <Anchor size="sm" href={trace} target="_blank" rel="noreferrer">
          Trace <IconExternalLink size={12} aria-hidden />
        </Anchor>
      )}
      <Id value={id} what="task id" />
      <Id value={item_id} what="item id" />
    </>
  );
}
