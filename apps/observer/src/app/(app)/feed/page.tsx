import type { Metadata } from "next";
import { Feed } from "@/features/feed/Feed";

export const metadata: Metadata = { title: "Live feed" };

export default function FeedPage() {
  return <Feed />;
}
