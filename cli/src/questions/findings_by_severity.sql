SELECT
  severity AS severity,
  metadata.product.name AS product,
  COUNT(*) AS findings
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_sh_findings_2_0
GROUP BY severity, metadata.product.name
ORDER BY findings DESC, severity, product
LIMIT 20
