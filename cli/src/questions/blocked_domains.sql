SELECT
  query.hostname AS domain,
  src_endpoint.ip AS source_ip,
  COUNT(*) AS queries,
  DATE_FORMAT(MIN(time_dt), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
  DATE_FORMAT(MAX(time_dt), '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_route53_2_0
WHERE action = 'Denied'
GROUP BY query.hostname, src_endpoint.ip
ORDER BY queries DESC, domain, source_ip
LIMIT 20
