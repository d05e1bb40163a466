metadata description = 'The alerts of alerts.json, each with its query, and whom they reach.'

import { emailAddress, tagsType, webhookAddress } from '../types.bicep'

param actionGroupName string
param location string
param tags tagsType
param workspaceId string
param serviceBusId string

@description('GB of telemetry a day after which no more is taken in.')
param dailyQuotaGb int

@description('E-mail addresses that every alert reaches.')
param emails emailAddress[]

@description('Addresses (https) that every alert is posted to, in the common alert schema.')
param webhooks webhookAddress[]

@description('Where the runbook is read: its address without an anchor.')
param runbookUrl string

var alerts = loadJsonContent('../alerts.json')
var timers = loadJsonContent('../timers.json')
var expectedRuns = [for timer in timers: '"${timer.function}", ${timer.alertAfterMinutes}']

// A path must be a constant, so the texts are named here one by one and found by the name of their alert.
var queries = {
  parked: loadTextContent('../queries/parked.kql')
  orders_late: loadTextContent('../queries/orders_late.kql')
  shipments_late: loadTextContent('../queries/shipments_late.kql')
  authorization_expiring: loadTextContent('../queries/authorization_expiring.kql')
  backlog_age: loadTextContent('../queries/backlog_age.kql')
  breaker_open: loadTextContent('../queries/breaker_open.kql')
  denied: loadTextContent('../queries/denied.kql')
  timer_missing: replace(loadTextContent('../queries/timer_missing.kql'), '{timers}', join(expectedRuns, ', '))
  stock_frozen: loadTextContent('../queries/stock_frozen.kql')
  products_held: loadTextContent('../queries/products_held.kql')
  products_failed: loadTextContent('../queries/products_failed.kql')
  prices_held: loadTextContent('../queries/prices_held.kql')
  prices_failed: loadTextContent('../queries/prices_failed.kql')
  signature_failures: loadTextContent('../queries/signature_failures.kql')
  webhook_5xx: loadTextContent('../queries/webhook_5xx.kql')
  subscription_lost: loadTextContent('../queries/subscription_lost.kql')
  other_version: loadTextContent('../queries/other_version.kql')
  reconciliation: loadTextContent('../queries/reconciliation.kql')
  secret_expiry: loadTextContent('../queries/azure/secret_expiry.kql')
  daily_quota: replace(loadTextContent('../queries/azure/daily_quota.kql'), '{quota}', string(dailyQuotaGb))
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'ShopifyFO'
    enabled: true
    emailReceivers: [for address in emails: { name: address, emailAddress: address, useCommonAlertSchema: true }]
    webhookReceivers: [
      for address in webhooks: { name: uniqueString(address), serviceUri: address, useCommonAlertSchema: true }
    ]
  }
}

// Each query gives one row for each thing that somebody must look at, and none when all is well. It sees no further back
// than its window, whatever it says itself.
resource queryAlert 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for alert in alerts: {
    name: 'alert-${replace(alert.name, '_', '-')}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      description: '${alert.description} Runbook: ${runbookUrl}#${alert.anchor}'
      severity: alert.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: alert.frequency
      windowSize: alert.window
      autoMitigate: true
      // The tables come into being with the first telemetry, which is after this deployment.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: queries[alert.name]
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [actionGroup.id]
      }
    }
  }
]

// One alert for each queue and topic that has dead letters, those of a topic's subscriptions included.
resource deadLetters 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'alert-dead-letters'
  location: 'global'
  tags: tags
  properties: {
    description: 'A message was given up by Service Bus: it lies in a dead-letter queue until somebody takes it up. Runbook: ${runbookUrl}#dead-letters'
    severity: 1
    enabled: true
    scopes: [serviceBusId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'dead-letters'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [
            {
              name: 'EntityName'
              operator: 'Include'
              values: ['*']
            }
          ]
        }
      ]
    }
    actions: [
      {
        actionGroupId: actionGroup.id
      }
    ]
  }
}

output actionGroupId string = actionGroup.id
