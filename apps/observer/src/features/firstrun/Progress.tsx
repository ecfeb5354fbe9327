import { STEPS, doneCount, nextStep, stepTitle, type FirstRun } from "./steps";
import classes from "./Welcome.module.css";

/** How far it is, for everybody. */
export function Progress({ firstRun }: { firstRun: FirstRun }) {
  const done = doneCount(firstRun);
  const next = nextStep(firstRun);
  return (
    <div className={classes.progress}>
      <div className={classes.bar} aria-hidden>
        {STEPS.map((step) => (
          <span key={step} data-done={firstRun[step] || undefined} data-next={step === next || undefined} />
        ))}
      </div>
      <span role="status">
        {done} of {STEPS.length} steps are done.{next !== null && ` Next: ${stepTitle(next)}.`}
      </span>
    </div>
  );
}
