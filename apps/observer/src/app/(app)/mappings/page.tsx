import type { Metadata } from "next";
import { Mappings } from "@/features/mappings/Mappings";

export const metadata: Metadata = { title: "Mappings" };

export default function MappingsPage() {
  return <Mappings />;
}
