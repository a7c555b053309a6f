SELECT
  firewall_rule.uid AS rule,
  src_endpoint.ip AS source_ip,
  COUNT(*) AS requests
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_waf_2_0
WHERE action = 'Denied'
GROUP BY firewall_rule.uid, src_endpoint.ip
ORDER BY requests DESC, rule, source_ip
LIMIT 20
