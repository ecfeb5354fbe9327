import { redirect } from "next/navigation";

/** Where people begin: does everything get through? An empty system welcomes them from there. */
export default function HomePage() {
  redirect("/overview");
}
