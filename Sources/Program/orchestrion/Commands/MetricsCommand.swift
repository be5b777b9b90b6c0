import ArgumentParser
import ClusterClient
import PrometheusText

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print what a coordinator and its workers counted and measured, as text for Prometheus.",
        discussion: """
            Each metric comes with its meaning, type and unit. Totals go on over restarts of the coordinator, and over \
            songs that are removed. Nothing names a song or a worker.

            Without an HTTP server, a file of node_exporter's textfile collector is one way to Prometheus.

            Examples:
              orchestrion metrics
              orchestrion metrics > /var/lib/prometheus/node-exporter/orchestrion.prom.new &&
                mv /var/lib/prometheus/node-exporter/orchestrion.prom.new /var/lib/prometheus/node-exporter/orchestrion.prom
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() throws {
        let client = try connection.client()
        defer { client.close() }
        print(PrometheusText.write(try client.metrics()), terminator: "")
    }
}
