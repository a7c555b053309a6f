SELECT
  accountid AS account,
  api.operation AS event,
  COUNT(*) AS events,
  DATE_FORMAT(MIN(time_dt), '%Y-%m-%dT%H:%i:%sZ') AS first_seen,
  DATE_FORMAT(MAX(time_dt), '%Y-%m-%dT%H:%i:%sZ') AS last_seen
FROM amazon_security_lake_glue_db_us_east_1.amazon_security_lake_table_us_east_1_cloud_trail_mgmt_2_0
WHERE actor.user.type = 'Root'
GROUP BY accountid, api.operation
ORDER BY events DESC, account, event
LIMIT 20
