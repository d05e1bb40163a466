"""F&O's catalogue: the sets of products that the rules need, read by pages and put together by item."""
