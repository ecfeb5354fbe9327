"use client";

import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useRef } from "react";
import { useHotkey } from "@/lib/keys";

export interface FilterInputProps {
  /** What is filtered, for those who cannot see where it is: "Filter lists". */
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** The key that focuses it; "/" unless there is another one on the page. */
  hotkey?: string | null;
  width?: number | string;
  error?: string | null;
}

/** Narrows what a page shows. `/` focuses it, Escape empties it and then leaves it. */
export function FilterInput({ label, value, onChange, hotkey = "/", width, error }: FilterInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useHotkey(hotkey ?? "", label, "This page", () => input.current?.focus(), hotkey === null);
  return (
    <TextInput
      ref={input}
      w={width}
      aria-label={label}
      placeholder={label}
      value={value}
      error={error}
      leftSection={<IconSearch size={14} />}
      rightSection={
        value === "" ? (
          hotkey !== null && <Kbd>{hotkey}</Kbd>
        ) : (
          <CloseButton
            size="xs"
            aria-label="Clear filter"
            onClick={() => {
              onChange("");
            }}
          />
        )
      }
      onChange={(event) => {
        onChange(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        if (value === "") input.current?.blur();
        else onChange("");
      }}
    />
  );
}
