metadata description = 'Asks /api/health from outside every five minutes, which also keeps the app\'s link to Service Bus open, and alerts when nobody answers.'

import { tagsType } from '../types.bicep'

param name string
param insightsName string
param location string
param tags tagsType

@description('Address of the app, https.')
param url string

param actionGroupId string

@description('Where the runbook is read: its address without an anchor.')
param runbookUrl string

// Azure's names of the places that ask: Amsterdam, Dublin, Virginia.
var places = ['emea-nl-ams-azr', 'emea-gb-db3-azr', 'us-va-ash-azr']

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: name
  location: location
  tags: union(tags, { 'hidden-link:${insights.id}': 'Resource' })
  kind: 'standard'
  properties: {
    Name: name
    SyntheticMonitorId: name
    Description: 'The app answers from outside, and its configuration is right.'
    Kind: 'standard'
    Enabled: true
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [for place in places: { Id: place }]
    Request: {
      RequestUrl: '${url}/api/health'
      HttpVerb: 'GET'
      FollowRedirects: false
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'alert-unreachable'
  location: 'global'
  tags: tags
  properties: {
    description: 'The app does not answer from outside, or its configuration is wrong: webhooks are refused. Runbook: ${runbookUrl}#unreachable'
    severity: 1
    enabled: true
    scopes: [test.id, insights.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: insights.id
      failedLocationCount: 2
    }
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}
