import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeletons";
import { ToolIcon } from "@/ui/ToolIcon";
import classes from "./Board.module.css";

/** In the shape of the board. */
export function BoardSkeleton() {
  return (
    <div className={classes.board}>
      <Panel title="ClickUp lists" icon={<ToolIcon tool="clickup" />} fill flush>
        <SkeletonRows rows={12} />
      </Panel>
      <Panel title="Slack channels" icon={<ToolIcon tool="slack" />} fill flush className={classes.second}>
        <SkeletonRows rows={12} />
      </Panel>
    </div>
  );
}
