"""Pictures: uploaded, processed, and shown with products and variants."""
