SELECT
  query.hostname AS domain,
  rcode AS answer,
  COUNT(*) AS queries
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_route53_2_0
GROUP BY query.hostname, rcode
ORDER BY queries DESC, domain, answer
LIMIT 20
