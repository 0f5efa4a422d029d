const FAMILY = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/** What a card's texts are measured with; the same as `graph.module.css` says. */
export const NAME_FONT = `600 13px ${FAMILY}`;
export const NOTE_FONT = `12px ${FAMILY}`;
