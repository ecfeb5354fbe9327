import type { Metadata } from "next";
import { Aliases } from "@/features/settings/Aliases";

export const metadata: Metadata = { title: "Aliases" };

export default function AliasesPage() {
  return <Aliases />;
}
