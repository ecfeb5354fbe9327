"use client";

import { Group, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { ActionButton } from "@/ui/ActionButton";
import type { Mapping } from "./boardModel";
import classes from "./RuleEditor.module.css";
import { keywordProblem, RULE_NOTES, RULES, type SyncRule } from "./rules";

export interface RuleEditorProps {
  /** The link whose rule it is; null is closed. */
  mapping: Mapping | null;
  onClose: () => void;
  onSave: (mapping: Mapping, rule: SyncRule, keyword: string) => void;
}

/** Which replies in Slack become comments in ClickUp, for one link. */
export function RuleEditor({ mapping, onClose, onSave }: RuleEditorProps) {
  return (
    <Modal
      opened={mapping !== null}
      onClose={onClose}
      size="lg"
      title={mapping === null ? "" : `Which replies in #${mapping.channel_name} go to ClickUp?`}
    >
      {mapping !== null && <Form key={mapping.id} mapping={mapping} onClose={onClose} onSave={onSave} />}
    </Modal>
  );
}

function Form({ mapping, onClose, onSave }: RuleEditorProps & { mapping: Mapping }) {
  const [rule, setRule] = useState<SyncRule>(mapping.sync_rule);
  const [keyword, setKeyword] = useState(mapping.sync_keyword);
  const problem = rule === "keyword" ? keywordProblem(keyword) : null;
  const isSame = rule === mapping.sync_rule && keyword.trim() === mapping.sync_keyword;

  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">
        They become comments of the task in {mapping.list_name}, with the author’s name and a link to the
        message.
      </Text>
      <Radio.Group
        aria-label="Rule"
        value={rule}
        onChange={(value) => {
          const choice = RULES.find((each) => each.rule === value);
          if (choice !== undefined) setRule(choice.rule);
        }}
      >
        <Stack gap={6}>
          {RULES.map((choice) => (
            <div key={choice.rule} className={classes.choice} data-chosen={choice.rule === rule || undefined}>
              <Radio
                value={choice.rule}
                label={choice.title}
                description={choice.help}
                classNames={{ body: classes.body, labelWrapper: classes.label }}
              />
              {choice.rule === "keyword" && rule === "keyword" && (
                <TextInput
                  className={classes.keyword}
                  label="Keyword"
                  value={keyword}
                  error={problem}
                  maw={240}
                  onChange={(event) => {
                    setKeyword(event.currentTarget.value);
                  }}
                />
              )}
            </div>
          ))}
        </Stack>
      </Radio.Group>
      <ul className={classes.notes}>
        {RULE_NOTES.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
      <Group justify="flex-end" gap="xs">
        <ActionButton onClick={onClose}>Cancel</ActionButton>
        <ActionButton
          variant="filled"
          needs="operate"
          disabledWhy={problem ?? (isSame ? "Nothing has changed." : null)}
          onClick={() => {
            onSave(mapping, rule, rule === "keyword" ? keyword.trim() : mapping.sync_keyword);
          }}
        >
          Save rule
        </ActionButton>
      </Group>
    </>
  );
}
