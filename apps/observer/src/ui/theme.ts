import {
  createTheme,
  type ActionIconProps,
  type BadgeProps,
  type ButtonProps,
  type CardProps,
  type DrawerProps,
  type KbdProps,
  type MenuProps,
  type ModalProps,
  type NumberInputProps,
  type PaperProps,
  type PasswordInputProps,
  type PopoverProps,
  type SegmentedControlProps,
  type SelectProps,
  type TextareaProps,
  type TextInputProps,
  type TooltipProps,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  type MantineThemeComponent,
} from "@mantine/core";

/** Near-black, one step up for panels, one border tone (4), text that passes 4.5:1 down to 3. */
const dark: MantineColorsTuple = [
  "#e8eaee",
  "#c0c4cc",
  "#9aa0ab",
  "#858c98",
  "#23262d",
  "#1b1e24",
  "#15171c",
  "#0b0c0f",
  "#08090b",
  "#050608",
];

const indigo: MantineColorsTuple = [
  "#eef0ff",
  "#dadfff",
  "#b3bcff",
  "#8b99fc",
  "#7183f8",
  "#5b70f3",
  "#4c62ee",
  "#3f54db",
  "#3548bd",
  "#2b3a99",
];

/** What a component looks like unless it is told otherwise; by its name alone, so that no page loads what it does not use. */
function looks<Props>(
  look: { defaultProps: Partial<Props> } & Pick<MantineThemeComponent, "styles">,
): MantineThemeComponent {
  return look;
}

export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: 7,
  colors: { dark, indigo },
  fontFamily: "var(--font-geist-sans), system-ui, sans-serif",
  fontFamilyMonospace: "var(--font-geist-mono), ui-monospace, monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  lineHeights: { xs: "1.4", sm: "1.45", md: "1.5", lg: "1.5", xl: "1.4" },
  radius: { xs: "3px", sm: "5px", md: "7px", lg: "10px", xl: "14px" },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.125rem", lineHeight: "1.4" },
      h2: { fontSize: "0.9375rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  shadows: { xs: "none", sm: "none", md: "0 4px 16px rgb(0 0 0 / 0.18)", lg: "0 8px 28px rgb(0 0 0 / 0.24)" },
  components: {
    Button: looks<ButtonProps>({ defaultProps: { size: "xs", variant: "default" } }),
    ActionIcon: looks<ActionIconProps>({ defaultProps: { size: "md", variant: "subtle", color: "gray" } }),
    Badge: looks<BadgeProps>({
      defaultProps: { size: "sm", variant: "light", radius: "sm", tt: "none", fw: 500 },
    }),
    Card: looks<CardProps>({
      defaultProps: { withBorder: true, shadow: "none", radius: "md", padding: "md" },
    }),
    Paper: looks<PaperProps>({ defaultProps: { withBorder: true, shadow: "none", radius: "md" } }),
    TextInput: looks<TextInputProps>({ defaultProps: { size: "xs" } }),
    PasswordInput: looks<PasswordInputProps>({ defaultProps: { size: "xs" } }),
    NumberInput: looks<NumberInputProps>({ defaultProps: { size: "xs" } }),
    Textarea: looks<TextareaProps>({ defaultProps: { size: "xs", autosize: true, minRows: 3 } }),
    Select: looks<SelectProps>({ defaultProps: { size: "xs", allowDeselect: false } }),
    SegmentedControl: looks<SegmentedControlProps>({
      defaultProps: { size: "xs" },
      styles: {
        root: { backgroundColor: "var(--obs-raised)" },
        indicator: { backgroundColor: "light-dark(var(--mantine-color-white), var(--obs-border))" },
      },
    }),
    Kbd: looks<KbdProps>({ defaultProps: { size: "xs" } }),
    Tooltip: looks<TooltipProps>({
      defaultProps: {
        openDelay: 300,
        withArrow: false,
        fz: "xs",
        events: { hover: true, focus: true, touch: true },
      },
    }),
    Menu: looks<MenuProps>({ defaultProps: { shadow: "md", radius: "md" } }),
    Popover: looks<PopoverProps>({ defaultProps: { shadow: "md", radius: "md" } }),
    Modal: looks<ModalProps>({
      defaultProps: {
        radius: "lg",
        centered: true,
        overlayProps: { backgroundOpacity: 0.5 },
        closeButtonProps: { "aria-label": "Close" },
        // A <header> outside of the page would be a second banner.
        attributes: { header: { role: "presentation" } },
      },
      styles: {
        content: { backgroundColor: "var(--obs-panel)" },
        header: { backgroundColor: "var(--obs-panel)" },
      },
    }),
    Drawer: looks<DrawerProps>({ defaultProps: { overlayProps: { backgroundOpacity: 0.35 } } }),
  },
});

/**
 * Our own tokens. `--obs-<state>` is text of a state that passes 4.5:1 on the page and on a panel;
 * `--obs-<state>-soft` is a surface behind it.
 */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: { "--obs-row": "34px", "--obs-nav": "232px", "--obs-header": "57px" },
  dark: {
    "--mantine-color-body": "#0b0c0f",
    "--mantine-color-dimmed": "#9aa0ab",
    "--mantine-color-placeholder": "#858c98",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-red-light-color": "#ff8080",
    "--obs-panel": "#111317",
    "--obs-raised": "#181b20",
    "--obs-hover": "#16191e",
    "--obs-selected": "#171a2b",
    "--obs-border": "#23262d",
    "--obs-faint": "#858c98",
    "--obs-ok": "#3ccfae",
    "--obs-ok-soft": "#0d2822",
    "--obs-active": "#9aa6ff",
    "--obs-active-soft": "#1a1f3d",
    "--obs-waiting": "#f5a35c",
    "--obs-waiting-soft": "#2e1e0f",
    "--obs-failed": "#ff8080",
    "--obs-failed-soft": "#341517",
    "--obs-offline": "#9aa0ab",
    "--obs-offline-soft": "#1d2026",
  },
  light: {
    "--mantine-color-body": "#f8f9fa",
    "--mantine-color-text": "#16181d",
    "--mantine-color-dimmed": "#5a616d",
    "--mantine-color-placeholder": "#6b727e",
    "--mantine-color-default-border": "#dfe2e7",
    "--mantine-color-error": "#c92a2a",
    "--mantine-color-red-light-color": "#b92525",
    "--obs-panel": "#ffffff",
    "--obs-raised": "#f3f4f6",
    "--obs-hover": "#f4f5f7",
    "--obs-selected": "#eef0ff",
    "--obs-border": "#dfe2e7",
    "--obs-faint": "#6b727e",
    "--obs-ok": "#08735c",
    "--obs-ok-soft": "#e0f5ef",
    "--obs-active": "#3548bd",
    "--obs-active-soft": "#e8ebff",
    "--obs-waiting": "#a34706",
    "--obs-waiting-soft": "#fdeedd",
    "--obs-failed": "#b92525",
    "--obs-failed-soft": "#fde8e8",
    "--obs-offline": "#5a616d",
    "--obs-offline-soft": "#eceef1",
  },
});
