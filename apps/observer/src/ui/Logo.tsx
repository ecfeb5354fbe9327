import { useId } from "react";

/** The mark: what falls in is not lost, it comes out as light. */
export function Logo({ size = 20 }: { size?: number }) {
  const gradient = useId(); // there are several marks in a page, and the first may be hidden with its gradient
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <defs>
        <linearGradient id={gradient} x1="0" y1="0" x2="1" y2="1">
          <stop offset="0" stopColor="#3ccfae" />
          <stop offset="1" stopColor="#4c62ee" />
        </linearGradient>
      </defs>
      <rect width="32" height="32" rx="9" fill={`url(#${gradient})`} />
      <path d="M16 7a9 9 0 1 0 9 9" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <circle cx="22.4" cy="9.6" r="2.6" fill="#fff" />
    </svg>
  );
}
