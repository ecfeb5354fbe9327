"use client";

import { Anchor, Button, CopyButton as Copies } from "@mantine/core";
import { IconCheck, IconCopy, IconExternalLink } from "@tabler/icons-react";
import { CodeBlock } from "@/ui/CodeBlock";
import classes from "./ConnectDrawer.module.css";
import { withAddresses, type Integration } from "./connecting";

/** What to do at a vendor, as its integration says it, with the manifest to paste there when it has one. */
export function VendorSteps({ integration }: { integration: Integration }) {
  const { title, steps, docs_url, manifest } = integration;
  return (
    <>
      <section className={classes.part}>
        <h3 className={classes.heading}>Do this in {title}</h3>
        <ol className={classes.steps}>
          {steps.map((step) => (
            <li key={step}>
              <span className={classes.step}>
                {withAddresses(step).map(({ text, isAddress }) =>
                  isAddress ? (
                    <Anchor key={text} href={text} target="_blank" rel="noreferrer" size="sm">
                      {text}
                    </Anchor>
                  ) : (
                    text
                  ),
                )}
              </span>
            </li>
          ))}
        </ol>
        {docs_url.startsWith("https://") && (
          <Anchor href={docs_url} target="_blank" rel="noreferrer" size="sm">
            {title}’s own documentation <IconExternalLink size={12} aria-label="(opens in a new tab)" />
          </Anchor>
        )}
      </section>
      {manifest !== null && (
        <section className={classes.part}>
          <div className={classes.manifestHead}>
            <h3 className={classes.heading}>Manifest</h3>
            <Copies value={manifest} timeout={1500}>
              {({ copied, copy }) => (
                <Button
                  leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
                  onClick={copy}
                  aria-live="polite"
                >
                  {copied ? "Copied" : "Copy manifest"}
                </Button>
              )}
            </Copies>
          </div>
          <CodeBlock what="manifest" maxHeight={200} copies={false}>
            {manifest}
          </CodeBlock>
        </section>
      )}
    </>
  );
}
