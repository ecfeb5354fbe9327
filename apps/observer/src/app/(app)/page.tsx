import { Home } from "@/features/firstrun/Home";

export default function HomePage() {
  return <Home />;
}
