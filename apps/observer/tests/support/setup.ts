import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(cleanup);

// A machine that does other work, too, is slow to draw.
configure({ asyncUtilTimeout: 5000 });

// Tests of the server's code have no window.
if ("window" in globalThis) {
  // What Mantine asks of a browser and jsdom does not have.
  window.matchMedia = (query: string): MediaQueryList =>
    Object.assign(new EventTarget(), {
      matches: false,
      media: query,
      onchange: null,
      addListener: () => undefined,
      removeListener: () => undefined,
    });

  window.ResizeObserver = class {
    observe(): void {
      return;
    }
    unobserve(): void {
      return;
    }
    disconnect(): void {
      return;
    }
  };

  window.HTMLElement.prototype.scrollIntoView = () => undefined;
}
