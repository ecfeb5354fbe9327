import type { ReactNode } from "react";
import { ApiProvider } from "@/lib/api/provider";
import { auth } from "@/lib/auth";
import { ConfigProvider, type Config } from "@/lib/config";
import { LiveProvider } from "@/lib/live/provider";
import { SettingsError, nexusPublicUrl, traceUrl } from "@/lib/server/settings";
import { Shell } from "@/ui/Shell";

export default async function AppLayout({ children }: { children: ReactNode }) {
  const session = await auth();
  return (
    <ConfigProvider config={config()}>
      <ApiProvider>
        <LiveProvider>
          <Shell person={{ name: session?.user?.name ?? null, email: session?.user?.email ?? "" }}>
            {children}
          </Shell>
        </LiveProvider>
      </ApiProvider>
    </ConfigProvider>
  );
}

function config(): Config {
  return { traceUrl: traceUrl(), nexusUrl: publicUrl(), isLocal: process.env.OBSERVER_BUILD === "local" };
}

function publicUrl(): string {
  try {
    return nexusPublicUrl();
  } catch (error) {
    if (error instanceof SettingsError) return "";
    throw error;
  }
}
