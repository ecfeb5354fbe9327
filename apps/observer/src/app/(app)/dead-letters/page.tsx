import type { Metadata } from "next";
import { DeadLetters } from "@/features/deliveries/DeadLetters";

export const metadata: Metadata = { title: "Dead letters" };

export default function DeadLettersPage() {
  return <DeadLetters />;
}
