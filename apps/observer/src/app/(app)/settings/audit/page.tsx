import type { Metadata } from "next";
import { Audit } from "@/features/settings/Audit";

export const metadata: Metadata = { title: "Audit" };

export default function AuditPage() {
  return <Audit />;
}
