SELECT
  src_endpoint.ip AS source_ip,
  CAST(dst_endpoint.port AS varchar) AS port,
  COUNT(*) AS flows
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_vpc_flow_2_0
WHERE action = 'Denied'
GROUP BY src_endpoint.ip, dst_endpoint.port
ORDER BY flows DESC, source_ip, port
LIMIT 20
