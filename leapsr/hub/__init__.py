"""Names to weights: packaged models, published weights, and how they become models."""
