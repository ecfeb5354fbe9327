import type { Metadata } from "next";
import { Welcome } from "@/features/firstrun/Welcome";

export const metadata: Metadata = { title: "Welcome" };

export default function WelcomePage() {
  return <Welcome />;
}
