import type { Metadata } from "next";
import { Login } from "@/features/login/Login";
import { signInOptions } from "@/lib/auth";
import { returnPath } from "@/lib/return-path";

export const metadata: Metadata = { title: "Sign in" };

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function LoginPage({ searchParams }: Props) {
  const { from, callbackUrl, error } = await searchParams;
  return (
    <Login
      options={signInOptions()}
      isLocal={process.env.OBSERVER_BUILD === "local"}
      from={returnPath(from ?? callbackUrl)}
      error={typeof error === "string" ? error : null}
    />
  );
}
