package cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.codelibs.opensearch.runner.OpenSearchRunner;

/**
 * A cluster of three nodes on the loopback, in this process. Prints {@code ready URL URL URL} when it is up, then takes commands
 * on standard input, one a line, and answers each with a line: {@code stop N} and {@code start N} (nodes count from 0), and
 * {@code end}. The end of its input ends it as well, so that it does not outlive who started it.
 */
public final class Cluster {
  private static final int NODES = 3;

  private Cluster() {}

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    // What the runner and the nodes say is no answer.
    System.setOut(System.err);
    int[] ports = freePorts(2 * NODES);
    List<String> seeds = new ArrayList<>();
    for (int node = 0; node < NODES; node++) seeds.add("127.0.0.1:" + ports[NODES + node]);
    OpenSearchRunner runner = new OpenSearchRunner();
    runner.setMaxHttpPort(-1);
    runner.onBuild(
        (number, settings) -> {
          settings.put("network.host", "127.0.0.1");
          settings.put("http.port", ports[number - 1]);
          settings.put("transport.port", ports[NODES + number - 1]);
          settings.putList("discovery.seed_hosts", seeds);
          settings.putList("cluster.initial_cluster_manager_nodes", "Node 1");
          settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
          settings.put("cluster.follower_lag.timeout", "5s");
          settings.put("discovery.find_peers_interval", "100ms");
        });
    runner.build(
        OpenSearchRunner.newConfigs()
            .basePath(args[0])
            .clusterName("quern-test-" + ports[0])
            .numOfNode(NODES)
            .moduleTypes(
                "org.opensearch.analysis.common.CommonAnalysisPlugin,org.opensearch.transport.Netty4Plugin"));
    StringBuilder ready = new StringBuilder("ready");
    for (int node = 0; node < NODES; node++) ready.append(" http://127.0.0.1:").append(ports[node]);
    answers.println(ready);
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.trim().split(" ");
      if (words[0].equals("end")) break;
      int node = Integer.parseInt(words[1]);
      if (words[0].equals("stop")) runner.getNode(node).close();
      else if (words[0].equals("start")) runner.startNode(node);
      else throw new IllegalArgumentException(line);
      answers.println("done " + line.trim());
    }
    // Nothing of it is kept, so nothing has to be closed in order.
    Runtime.getRuntime().halt(0);
  }

  /** Ports that nothing listens on. All are held until the last is found, so that they differ. */
  private static int[] freePorts(int count) throws IOException {
    int[] ports = new int[count];
    List<ServerSocket> held = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
      held.add(socket);
      ports[i] = socket.getLocalPort();
    }
    for (ServerSocket socket : held) socket.close();
    return ports;
  }
}
