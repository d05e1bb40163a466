using '../main.bicep'

// Deployed nowhere: the longest names and every optional parameter at once, for the tests that read its snapshot.
param environmentName = 'longest-name-of-thirty-letters'
param location = 'westeurope'
param d365BaseUrl = 'https://contoso.operations.dynamics.com'
param webhookBaseUrl = 'https://orders.contoso.com'
param d365TimeoutSeconds = 180
param stores = ['nordlys-uk']
param storesFolder = 'config/live'
param erpMaxConcurrency = 52
param erpMaintenance = 'Sun 02:00-05:00 Europe/Amsterdam'
param maximumInstanceCount = 100
param sessionsPerInstance = 16
param instanceMemoryMB = 4096
param alwaysReadyHttp = 3
param httpConcurrency = 32
param zoneRedundant = false
param premiumServiceBus = false
param networkIsolation = true
param allowedIpRanges = ['203.0.113.7']
param purgeProtection = true
param operatorPrincipalId = '22222222-0000-0000-0000-000000000000'
param operatorPrincipalType = 'Group'
param retentionDays = 365
param dailyQuotaGb = 5
param alertEmails = ['clerk@contoso.com']
param alertWebhooks = ['https://example.com/hook']
param runbookUrl = 'https://example.com/runbook'
param foEventsHttps = true
param foEventsServiceBus = true
param serviceBusName = 'sbns-another-name'
param budget = { amount: 100, start: '2026-12-01' }
