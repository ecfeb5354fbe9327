import classes from "./ToggleChips.module.css";
import type { Tone } from "./states";

export interface Chip<Value extends string> {
  value: Value;
  label: string;
  /** Only for what is a state. */
  tone?: Tone;
}

export interface ToggleChipsProps<Value extends string> {
  /** What is chosen among: "Levels". */
  label: string;
  chips: readonly Chip<Value>[];
  /** The chosen ones; none chosen means all. */
  value: readonly Value[];
  onChange: (value: Value[]) => void;
}

/** A filter by one or more of a few; pressing a chosen one again lets go of it. */
export function ToggleChips<Value extends string>({
  label,
  chips,
  value,
  onChange,
}: ToggleChipsProps<Value>) {
  return (
    <div role="group" aria-label={label} className={classes.chips}>
      {chips.map((chip) => {
        const isChosen = value.includes(chip.value);
        return (
          <button
            key={chip.value}
            type="button"
            className={classes.chip}
            aria-pressed={isChosen}
            data-tone={chip.tone}
            onClick={() => {
              // In the order of the chips, so that the same choice has the same URL.
              const chosen = chips.map((each) => each.value).filter((each) => value.includes(each));
              onChange(isChosen ? chosen.filter((each) => each !== chip.value) : [...chosen, chip.value]);
            }}
          >
            {chip.tone !== undefined && <span className={classes.dot} aria-hidden />}
            {chip.label}
          </button>
        );
      })}
    </div>
  );
}
