import { describe, expect, it } from "vitest";
import type { Model } from "@/lib/api/client";
import { createSuggester, wordsOf } from "./suggest";

const CHANNELS = [
  "eng-backend",
  "eng-reliability",
  "incidents",
  "mobile-releases",
  "web-redesign",
  "launch-q4",
  "cust-escalations",
  "onboarding",
  "design-reviews",
  "design-system",
  "eng-frontend",
  "büro-berlin",
].map((name) => channel(name));

function channel(name: string, isMember = true): Model<"ChatChannel"> {
  return { id: `C-${name}`, name, is_member: isMember, is_private: false };
}

function suggested(name: string, group = "", channels = CHANNELS): string | undefined {
  return createSuggester(channels)({ id: "1", name, group })?.channelName;
}

describe("a suggestion by name", () => {
  it.each([
    ["Backend sprint 42", "Engineering / Sprints", "eng-backend"],
    ["Platform reliability", "Engineering / Sprints", "eng-reliability"],
    ["Incident follow-ups", "Engineering / Operations", "incidents"],
    ["Mobile release train", "Engineering / Releases", "mobile-releases"],
    ["Website redesign", "Marketing / Campaigns", "web-redesign"],
    ["Q4 launch content", "Marketing / Campaigns", "launch-q4"],
    ["Customer escalations", "Success / Support", "cust-escalations"],
    ["Onboarding requests", "Success / Support", "onboarding"],
    ["Buro Berlin", "", "büro-berlin"],
    ["MobileReleases", "", "mobile-releases"],
  ])("of %s in %s is #%s", (name, group, wanted) => {
    expect(suggested(name, group)).toBe(wanted);
  });

  it("is not made for a name that no channel goes by", () => {
    expect(suggested("Inbox", "Product")).toBeUndefined();
    expect(suggested("", "")).toBeUndefined();
    expect(suggested("!!! 🙂", "")).toBeUndefined();
  });

  it("is not made when two channels go by the name equally well", () => {
    expect(suggested("Design", "Product")).toBeUndefined();
  });

  it("prefers the channel that Oblivion is in among two of the same name", () => {
    const twins = [channel("ops", false), { ...channel("ops"), id: "C-ours" }];
    expect(createSuggester(twins)({ id: "1", name: "Ops", group: "" })?.channelId).toBe("C-ours");
  });

  it("is not made because of a number alone", () => {
    expect(suggested("Sprint 42", "", [channel("room-42"), channel("hall-7")])).toBeUndefined();
  });

  it("is not made because of the folder alone", () => {
    expect(suggested("Roadmap", "Onboarding / Onboarding")).toBeUndefined();
  });

  it("of 2,000 lists among 2,000 channels takes less than a second", () => {
    const many = Array.from({ length: 2000 }, (_, at) => channel(`eng-${word(at)}-${word(at * 7)}`));
    const suggest = createSuggester(many);
    const begun = performance.now();
    for (let at = 0; at < 2000; at++) suggest({ id: "1", name: `${word(at)} ${word(at * 7)}`, group: "Eng" });
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

describe("the words of a name", () => {
  it("are lower-case, singular, without accents and without words that say nothing", () => {
    expect(wordsOf("The Équipe's Tasks — caféHouse_2")).toEqual(["equipe", "cafe", "house", "2"]);
  });
});

function word(at: number): string {
  return (at * 7919 + 17).toString(36).replaceAll(/\d/g, "x");
}
