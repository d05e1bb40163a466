metadata description = 'Where the telemetry of the app goes: Application Insights over a Log Analytics workspace, by identity only.'

import { granted, operatorType } from '../roles.bicep'
import { tagsType } from '../types.bicep'

param workspaceName string
param insightsName string
param location string
param tags tagsType

@description('Days that telemetry is kept.')
param retentionDays int

@description('GB a day after which nothing more is taken in until the workspace\'s day ends.')
param dailyQuotaGb int

@description('Object id of the app\'s identity.')
param appPrincipalId string

param operator operatorType

var roles = granted('applicationInsights', operator)
var principals = {
  app: {
    id: appPrincipalId
    kind: 'ServicePrincipal'
  }
  operator: operator
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyQuotaGb
    }
    features: {
      disableLocalAuth: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roles: {
    scope: insights
    name: guid(insights.id, principals[role.principal].id, role.id)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      principalId: principals[role.principal].id
      principalType: principals[role.principal].kind
      description: role.reason
    }
  }
]

output workspaceId string = workspace.id
output insightsId string = insights.id
output insightsConnectionString string = insights.properties.ConnectionString
