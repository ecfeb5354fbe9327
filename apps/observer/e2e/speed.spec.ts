import { PAGES, open } from "./support/pages";
import { expect, test } from "./support/people";

const MAX_SCRIPT_BYTES = 300 * 1024;

for (const { path, heading } of PAGES) {
  test(`${path} loads at most 300 kB of script before it can be used`, async ({ page }) => {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    const scripts = new Set<string>();
    let bytes = 0;
    session.on("Network.responseReceived", ({ requestId, type }) => {
      if (type === "Script") scripts.add(requestId);
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      if (scripts.has(requestId)) bytes += encodedDataLength;
    });
    await open(page, path, heading);
    test.info().annotations.push({ type: "script", description: `${path} ${Math.round(bytes / 1024)} kB` });
    expect(bytes).toBeGreaterThan(50 * 1024); // else nothing was counted
    expect(bytes).toBeLessThanOrEqual(MAX_SCRIPT_BYTES);
  });
}
