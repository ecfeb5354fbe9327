"use client";

import { SegmentedControl, Stack } from "@mantine/core";
import { useState } from "react";
import { useConfig } from "@/lib/config";
import { CodeBlock } from "@/ui/CodeBlock";
import { FORMATS, FORMAT_LABELS, environment, type Format } from "./environment";

export interface EnvironmentBlockProps {
  name: string;
  clientId: string;
  clientSecret: string;
}

/** The three variables that make a process this agent, as the place where they are pasted wants them. */
export function EnvironmentBlock({ name, clientId, clientSecret }: EnvironmentBlockProps) {
  const { nexusUrl } = useConfig();
  const [format, setFormat] = useState<Format>("shell");
  return (
    <Stack gap={8}>
      <SegmentedControl
        aria-label="Format"
        value={format}
        onChange={(value) => {
          setFormat(FORMATS.find((each) => each === value) ?? "shell");
        }}
        data={FORMATS.map((each) => ({ value: each, label: FORMAT_LABELS[each] }))}
        style={{ alignSelf: "flex-start" }}
      />
      <CodeBlock what="environment variables">
        {environment(format, name, { uri: nexusUrl, clientId, clientSecret })}
      </CodeBlock>
    </Stack>
  );
}
